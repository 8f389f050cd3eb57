//go:build !purego

#include "textflag.h"

// func markAVX2(block *byte, n int, patterns *byte, gaps *int, count int, odd int, out *uint32, room int) (written, done int)
//
// For each offset i in steps of 32 below n: the bytes that are line breaks, with
// odd those that no brace follows, and the bytes at which a pair begins, become
// bits of a mask; their offsets are written to out. It stops where fewer than 32
// places are left.
TEXT ·markAVX2(SB), NOSPLIT, $0-80
	MOVQ block+0(FP), SI
	MOVQ n+8(FP), DX
	MOVQ patterns+16(FP), R8
	MOVQ gaps+24(FP), R9
	MOVQ count+32(FP), R10
	MOVQ odd+40(FP), R15
	MOVQ out+48(FP), DI
	MOVQ room+56(FP), R11
	XORQ AX, AX
	XORQ CX, CX
	VMOVDQU (R8), Y0
	VMOVDQU 32(R8), Y5

loop:
	LEAQ 32(AX), BX
	CMPQ BX, DX
	JGT  done
	LEAQ 32(CX), BX
	CMPQ BX, R11
	JGT  done
	VMOVDQU (SI)(AX*1), Y1
	VPCMPEQB Y0, Y1, Y2
	TESTQ R15, R15
	JZ   every
	VMOVDQU 1(SI)(AX*1), Y4
	VPCMPEQB Y5, Y4, Y4
	VPANDN Y2, Y4, Y2

every:
	LEAQ 64(R8), R12
	XORQ R13, R13

pairs:
	CMPQ R13, R10
	JGE  emit
	VPCMPEQB (R12), Y1, Y3
	MOVQ (R9)(R13*8), BX
	ADDQ AX, BX
	VMOVDQU (SI)(BX*1), Y4
	VPCMPEQB 32(R12), Y4, Y4
	VPAND Y3, Y4, Y3
	VPOR Y3, Y2, Y2
	ADDQ $64, R12
	INCQ R13
	JMP  pairs

emit:
	VPMOVMSKB Y2, BX
	TESTL BX, BX
	JZ   next

bits:
	TZCNTL BX, R13
	ADDL AX, R13
	MOVL R13, (DI)(CX*4)
	INCQ CX
	BLSRL BX, BX
	JNZ  bits

next:
	ADDQ $32, AX
	JMP  loop

done:
	VZEROUPPER
	MOVQ CX, written+64(FP)
	MOVQ AX, done+72(FP)
	RET

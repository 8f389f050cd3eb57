package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// From linux/sock_diag.h and linux/inet_diag.h.
const (
	sockDiagByFamily = 20
	inetDiagInfo     = 2 // attribute: tcp_info
	inetDiagMsgSize  = 72
	establishedBit   = 1 << 1
)

// connectionsInfo asks the kernel how open TCP connections fare: what ss -ti
// asks as well. It changes nothing and needs no right.
func connectionsInfo(ctx context.Context, each func(pathInfo)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return fmt.Errorf("open a socket of sock_diag: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	patience := unix.NsecToTimeval(int64(2 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return err
	}
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := dump(ctx, fd, family, each); err != nil {
			return err
		}
	}
	return nil
}

func dump(ctx context.Context, fd int, family byte, each func(pathInfo)) error {
	const size = 16 + 56
	request := make([]byte, size)
	binary.NativeEndian.PutUint32(request[0:], size)
	binary.NativeEndian.PutUint16(request[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	request[16], request[17], request[18] = family, unix.IPPROTO_TCP, 1<<(inetDiagInfo-1)
	binary.NativeEndian.PutUint32(request[20:], establishedBit)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("ask sock_diag: %w", err)
	}
	buffer := make([]byte, 64<<10)
	for count := 0; ; {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("read what sock_diag says: %w", err)
		case ctx.Err() != nil:
			return ctx.Err()
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return fmt.Errorf("read what sock_diag says: %w", err)
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return nil
			case unix.NLMSG_ERROR:
				if len(m.Data) >= 4 {
					if code := -int32(binary.NativeEndian.Uint32(m.Data)); code > 0 {
						return fmt.Errorf("ask sock_diag: %w", syscall.Errno(code))
					}
				}
				return errors.New("ask sock_diag: it does not answer")
			}
			if info, ok := readInfo(m.Data); ok {
				if count++; count > maxSockets {
					return errMany
				}
				each(info)
			}
		}
	}
}

// readInfo reads one inet_diag_msg with its tcp_info.
func readInfo(data []byte) (pathInfo, bool) {
	if len(data) < inetDiagMsgSize {
		return pathInfo{}, false
	}
	port := func(at int) uint16 { return binary.BigEndian.Uint16(data[at:]) }
	address := func(at int) netip.Addr {
		if data[0] == unix.AF_INET {
			return netip.AddrFrom4([4]byte(data[at : at+4]))
		}
		return netip.AddrFrom16([16]byte(data[at : at+16])).Unmap()
	}
	p := pathInfo{local: netip.AddrPortFrom(address(8), port(4)), remote: netip.AddrPortFrom(address(24), port(6))}
	p.cookie = binary.NativeEndian.Uint64(data[44:])
	for rest := data[inetDiagMsgSize:]; len(rest) >= 4; {
		length, kind := int(binary.NativeEndian.Uint16(rest)), binary.NativeEndian.Uint16(rest[2:])
		if length < 4 || length > len(rest) {
			break
		}
		if kind == inetDiagInfo {
			p.readTCPInfo(rest[4:length])
			return p, true
		}
		rest = rest[min((length+3)&^3, len(rest)):]
	}
	return pathInfo{}, false
}

// readTCPInfo reads what is known of linux/tcp.h's tcp_info; a kernel that is
// older writes less.
func (p *pathInfo) readTCPInfo(info []byte) {
	at := func(offset int) (uint32, bool) {
		if len(info) < offset+4 {
			return 0, false
		}
		return binary.NativeEndian.Uint32(info[offset:]), true
	}
	if len(info) > 2 {
		p.waiting = info[2] > 0 // timer went off, nothing acknowledged since
	}
	if ms, ok := at(56); ok {
		p.quiet = time.Duration(ms) * time.Millisecond
	}
	if us, ok := at(68); ok {
		p.rtt = time.Duration(us) * time.Microsecond
	}
	if n, ok := at(100); ok {
		p.again = int64(n)
	}
	if us, ok := at(148); ok && us != 0 && us != 1<<32-1 {
		p.shortest = time.Duration(us) * time.Microsecond
	}
	if n, ok := at(156); ok {
		p.sent = int64(n)
	}
}

//go:build !linux

package host

import (
	"errors"
	"io/fs"
	"time"
)

var errNotLinux = errors.New("this question needs Linux")

func statMount(string) (space, error) { return space{}, errNotLinux }

func statOpen(string) (openFile, error) { return openFile{}, errNotLinux }

func factsOf(fs.FileInfo) (facts, bool) { return facts{}, false }

func readClock() (clockState, error) { return clockState{}, errNotLinux }

func readKmsg(string, float64) ([]kernelLine, error) { return nil, errNotLinux }

func deviceNumber(major, minor uint32) uint64 { return uint64(major)<<32 | uint64(minor) }

func ownCPU() time.Duration { return 0 }

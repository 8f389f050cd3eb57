//go:build !linux

package host

import (
	"context"
	"os"
)

func connectionsInfo(context.Context, func(pathInfo)) error { return os.ErrNotExist }

package demo

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// journal is the shop's log: one JSON object a line, with time, level, service,
// version and message, as a log shipper would find it.
type journal struct {
	file   *os.File
	logger *slog.Logger
}

func openJournal(path, version string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the shop's log: %w", err)
	}
	handler := slog.NewJSONHandler(file, &slog.HandlerOptions{ReplaceAttr: plainNames})
	return &journal{file: file, logger: slog.New(handler).With("service", Name, "version", version)}, nil
}

// plainNames writes level in lower case and calls the text "message".
func plainNames(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		return slog.String(a.Key, strings.ToLower(a.Value.String()))
	case slog.MessageKey:
		return slog.String("message", a.Value.String())
	}
	return a
}

func (j *journal) info(message string, fields ...any) {
	j.logger.Info(message, fields...)
}

func (j *journal) warn(message string, fields ...any) {
	j.logger.Warn(message, fields...)
}

func (j *journal) error(message string, fields ...any) {
	j.logger.Error(message, fields...)
}

func (j *journal) close() error { return j.file.Close() }

package logs

import (
	"context"
	"errors"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// source is what a target reads from: files, the journal, or both.
type source interface {
	logql.Scanner
	Inspect(ctx context.Context, limit int) ([]logfile.Report, error)
}

// withJournal reads the journal for the time asked for, and then it and the
// files as one.
type withJournal struct {
	journal *journal
	config  logfile.Config // of the files; may have no paths
}

// Read implements logql.Source.
func (s *withJournal) Read(ctx context.Context, w logql.Window, emit func([]logql.Record) error) ([]string, error) {
	reading, err := s.Scan(ctx, logql.Ask{Window: w, Workers: 1, Oldest: true}, func(_ int, batch []logql.Record) error { return emit(batch) })
	return reading.Notes, err
}

// Scan implements logql.Scanner.
func (s *withJournal) Scan(ctx context.Context, ask logql.Ask, take func(worker int, batch []logql.Record) error) (logql.Reading, error) {
	spooled, notes, trouble, err := s.take(s.journal.read(ctx, ask.Window))
	if err != nil {
		return logql.Reading{}, err
	}
	defer spooled.Close()
	files, err := s.files(spooled)
	if err != nil {
		return logql.Reading{}, err
	}
	reading, err := files.Scan(ctx, ask, take)
	var none *logfile.Failed
	if trouble != nil && errors.As(err, &none) {
		err = &logfile.Failed{Troubles: append(trouble.Troubles, none.Troubles...)}
	}
	reading.Notes = append(notes, reading.Notes...)
	return reading, err
}

// Inspect looks at the newest entries of the journal and at each file.
func (s *withJournal) Inspect(ctx context.Context, limit int) ([]logfile.Report, error) {
	spooled, _, trouble, err := s.take(s.journal.newest(ctx))
	var none *logfile.Failed
	if errors.As(err, &none) {
		return []logfile.Report{{Path: journalName, Trouble: none.Troubles[0]}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer spooled.Close()
	files, err := s.files(spooled)
	if err != nil {
		return nil, err
	}
	reports, err := files.Inspect(ctx, limit)
	if trouble != nil {
		reports = append(reports, logfile.Report{Path: journalName, Trouble: trouble.Troubles[0]})
	}
	return reports, err
}

// take makes trouble with the journal a note where there are files beside it.
func (s *withJournal) take(spooled *logfile.Spooled, notes []string, err error) (*logfile.Spooled, []string, *logfile.Failed, error) {
	var trouble *logfile.Failed
	if errors.As(err, &trouble) && len(s.config.Paths) > 0 {
		return nil, []string{trouble.Error()}, trouble, nil
	}
	return spooled, notes, nil, err
}

func (s *withJournal) files(spooled *logfile.Spooled) (*logfile.Files, error) {
	c := s.config
	if spooled != nil {
		c.Paths = append([]string{logfile.StdinName}, c.Paths...)
		c.Stdin = spooled
	}
	return logfile.New(c)
}

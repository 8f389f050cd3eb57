package prometheus

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/promapi"
	"github.com/quellhq/quell/internal/promtext"
)

// source asks the server for series.
type source struct {
	client *promapi.Client
	lists  *promapi.Lists
}

// recent is how far back names are looked for: what an hour ago was last seen
// is no evidence for now.
const recent = time.Hour

func (s *source) Names(ctx context.Context) ([]string, error) {
	return s.list(ctx, "/api/v1/label/__name__/values", url.Values{})
}

func (s *source) LabelNames(ctx context.Context, metric string) ([]string, error) {
	return s.list(ctx, "/api/v1/labels", url.Values{"match[]": {selector(metric)}})
}

func (s *source) LabelValues(ctx context.Context, metric, label string) ([]string, error) {
	return s.list(ctx, "/api/v1/label/"+url.PathEscape(label)+"/values", url.Values{"match[]": {selector(metric)}})
}

func selector(metric string) string {
	return "{" + labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, metric).String() + "}"
}

func (s *source) list(ctx context.Context, path string, params url.Values) ([]string, error) {
	return s.lists.Get(ctx, path, params, func(p url.Values, now time.Time) {
		p.Set("start", seconds(now.Add(-recent)))
		p.Set("end", seconds(now))
	})
}

func (s *source) Query(ctx context.Context, expr string, w promtext.Window) (promtext.Result, error) {
	params := url.Values{"query": {expr}}
	path := "/api/v1/query"
	if w.Range {
		path = "/api/v1/query_range"
		params.Set("start", seconds(w.Start))
		params.Set("end", seconds(w.End))
		params.Set("step", strconv.FormatFloat(w.Step.Seconds(), 'f', -1, 64))
	} else {
		params.Set("time", seconds(w.End))
	}
	if deadline, ok := ctx.Deadline(); ok {
		// The server stops working for us when we have stopped listening.
		if left := time.Until(deadline); left > 0 {
			params.Set("timeout", strconv.FormatInt(max(1, left.Milliseconds()), 10)+"ms")
		}
	}
	reply, err := s.client.Get(ctx, path, params)
	if err != nil {
		return promtext.Result{}, err
	}
	var data promapi.Result
	if err := json.Unmarshal(reply.Data, &data); err != nil {
		return promtext.Result{}, promtext.Fail(evidence.Unreachable, "the answer is not in the form of Prometheus' API", "")
	}
	streams, err := data.Streams()
	if err != nil {
		return promtext.Result{}, promtext.Fail(evidence.Invalid, fmt.Sprintf("read the answer: %v", err), "")
	}
	return promtext.Result{Streams: streams, Notes: reply.Notes}, nil
}

// seconds writes a time as the API takes it: seconds since 1970 with milliseconds.
func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64)
}

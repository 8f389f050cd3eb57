package logql

import "slices"

// find returns the series of the line at hand, and begins one where there is
// none yet.
func (j *rangeJob) find() (*rangeSeries, error) {
	j.key = j.key[:0]
	if j.perLine {
		j.keyOfLine()
	} else {
		for _, v := range j.values {
			j.key = append(append(j.key, v...), 0)
		}
	}
	if s, ok := j.series[string(j.key)]; ok {
		return s, nil
	}
	if len(j.series) >= j.limits.Series {
		return nil, j.tooMany()
	}
	s := &rangeSeries{labels: j.seriesLabels(), buckets: map[int64]*bucket{}}
	j.series[string(j.key)] = s
	return s, nil
}

// keyOfLine writes the key of the series that all labels of the line make, in
// the order of their names, and remembers which they are.
func (j *rangeJob) keyOfLine() {
	l := j.pipe.labels
	j.order = j.order[:0]
	for i, name := range l.names {
		if len(l.values[i]) == 0 || j.node.Unwrap != nil && name == j.node.Unwrap.Label || slices.Contains(j.group, name) {
			continue
		}
		at := len(j.order)
		for at > 0 && l.names[j.order[at-1]] > name {
			at--
		}
		j.order = slices.Insert(j.order, at, i)
	}
	for _, i := range j.order {
		j.key = append(append(j.key, l.names[i]...), 0)
		j.key = append(append(j.key, l.values[i]...), 0)
	}
}

// seriesLabels are those of the series that begins with the line at hand.
func (j *rangeJob) seriesLabels() map[string]string {
	labels := map[string]string{}
	if j.perLine {
		for _, i := range j.order {
			labels[j.pipe.labels.names[i]] = cut(j.pipe.labels.values[i], maxLabelShown)
		}
		return labels
	}
	for i, name := range j.group {
		if v := j.values[i]; len(v) > 0 {
			labels[name] = cut(v, maxLabelShown)
		}
	}
	return labels
}

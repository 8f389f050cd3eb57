package logql

// labelCollector makes one list of the labels of a query and the fields of a
// line. It is used again for each line.
type labelCollector struct {
	list  []Field
	bytes map[string][]byte // names, made once
}

func (c *labelCollector) labels(query, own *labelSet) []Field {
	c.list = c.list[:0]
	for i, name := range query.names {
		c.add(name, query.values[i])
	}
	for i, name := range own.names {
		if query.index(name) < 0 {
			c.add(name, own.values[i])
		}
	}
	return c.list
}

func (c *labelCollector) add(name string, value []byte) {
	if tellsNoKind(name) || len(value) == 0 {
		return
	}
	b, ok := c.bytes[name]
	if !ok {
		if c.bytes == nil || len(c.bytes) >= maxNames {
			c.bytes = map[string][]byte{}
		}
		b = []byte(name)
		c.bytes[name] = b
	}
	c.list = append(c.list, Field{b, value})
}

// tellsNoKind knows what is no kind of line: its text, its time, and its level,
// which an entry has already.
func tellsNoKind(name string) bool {
	switch name {
	case "time", "ts", "timestamp", "_timestamp", "__timestamp__", "asctime", "datetime", "date", "t", "__error__", "__error_details__", "event":
		return true
	}
	return aliases(name) != nil
}

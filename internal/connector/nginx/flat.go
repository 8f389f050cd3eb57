package nginx

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// flat is a configuration as one file, with the texts of included files in the
// place of their includes: that is how nginx reads it. It remembers where each
// line came from.
type flat struct {
	text    bytes.Buffer
	origins []origin // by line, in order
}

type origin struct {
	line int // of the flat text, from 1 on
	path string
	from int // line of the file
}

func (t *tree) flat() *flat {
	f := &flat{}
	f.add(t.main)
	return f
}

func (f *flat) add(file *file) {
	at := 0
	for _, d := range inclusions(file.directives) {
		f.write(file, at, d.name.start)
		for _, other := range d.included {
			f.text.WriteByte('\n')
			f.add(other)
			f.text.WriteByte('\n')
		}
		at = d.end
	}
	f.write(file, at, len(file.data))
}

func (f *flat) write(file *file, from, to int) {
	line := 1 + bytes.Count(f.text.Bytes(), []byte("\n"))
	f.origins = append(f.origins, origin{line, file.path, lineOf(file.data, from)})
	f.text.Write(file.data[from:to])
}

// inclusions lists a file's own include directives in order, at any depth.
func inclusions(list []*directive) []*directive {
	var out []*directive
	for _, d := range list {
		if d.name.text == "include" && len(d.args) == 1 && d.block == nil {
			out = append(out, d)
		}
		out = append(out, inclusions(d.block)...)
	}
	return out
}

// where turns a line of the flat text into file and line.
func (f *flat) where(line int) string {
	for i := len(f.origins) - 1; i >= 0; i-- {
		if o := f.origins[i]; o.line <= line {
			return fmt.Sprintf("%s:%d", o.path, o.from+line-o.line)
		}
	}
	return fmt.Sprintf("line %d", line)
}

// translate writes a message about the flat file as one about the files that it
// was made of.
func (f *flat) translate(message, path string) string {
	re := regexp.MustCompile(regexp.QuoteMeta(path) + `:(\d+)`)
	return re.ReplaceAllStringFunc(message, func(m string) string {
		line, _ := strconv.Atoi(m[strings.LastIndexByte(m, ':')+1:])
		return f.where(line)
	})
}

package nginx

import "strings"

// directive is one directive of a configuration, with its place in its file.
type directive struct {
	name     token
	args     []token
	block    []*directive // nil for one that ends with a semicolon
	file     *file
	end      int     // behind its semicolon or closing brace
	included []*file // of an include, in order
}

func (d *directive) line() int { return lineOf(d.file.data, d.name.start) }

// arg returns an argument, "" where there is none.
func (d *directive) arg(i int) string {
	if i < 0 || i >= len(d.args) {
		return ""
	}
	return d.args[i].text
}

// file is one file of a configuration as it was read.
type file struct {
	path       string // absolute, links followed
	data       []byte
	directives []*directive
}

// maxNesting of blocks; nginx's own configurations need five.
const maxNesting = 50

// parse reads a file's directives. Includes are not followed.
func (f *file) parse() error {
	l := &lexer{data: f.data}
	var err error
	f.directives, err = f.directivesOf(l, 0)
	return err
}

func (f *file) directivesOf(l *lexer, depth int) ([]*directive, error) {
	var out []*directive
	var words []token
	if depth > maxNesting {
		return nil, l.fail(l.at, "nested deeper than anything that is meant")
	}
	for {
		t, ok, err := l.next()
		switch {
		case err != nil:
			return nil, err
		case !ok && (depth > 0 || len(words) > 0):
			return nil, l.fail(l.at, `the file ends where ";" or "}" is expected`)
		case !ok:
			return out, nil
		case t.kind == word:
			words = append(words, t)
			continue
		case t.kind == shut && (depth == 0 || len(words) > 0):
			return nil, l.fail(t.start, `unexpected "}"`)
		case t.kind == shut:
			return out, nil
		case len(words) == 0:
			return nil, l.fail(t.start, `unexpected "`+t.text+`"`)
		}
		d := &directive{name: words[0], args: words[1:], file: f}
		words = nil
		if t.kind == open {
			if d.block, err = f.blockOf(l, d, depth); err != nil {
				return nil, err
			}
		}
		d.end = l.at
		out = append(out, d)
	}
}

func (f *file) blockOf(l *lexer, d *directive, depth int) ([]*directive, error) {
	if strings.HasSuffix(d.name.text, "_by_lua_block") {
		return []*directive{}, l.skipLua()
	}
	block, err := f.directivesOf(l, depth+1)
	if block == nil {
		block = []*directive{}
	}
	return block, err
}

package nginx

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shape writes directives without their blanks and comments.
func shape(list []*directive) string {
	var parts []string
	for _, d := range list {
		words := []string{d.name.text}
		for _, a := range d.args {
			words = append(words, a.text)
		}
		text := fmt.Sprintf("%q", words)
		if d.block != nil {
			text += "{" + shape(d.block) + "}"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestConfigurationsAreReadAsNginxReadsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"directives and blocks":            {"a 1;b{c 2 3;}", `["a" "1"] ["b"]{["c" "2" "3"]}`},
		"comments":                         {"# x; {\na 1; # }\nb#2 3#;", `["a" "1"] ["b#2" "3#"]`},
		"quotes hide what would end":       {`a "x; {}" 'y # z';`, `["a" "x; {}" "y # z"]`},
		"escapes":                          {`a "say \"no\"" x\;y 'it\'s' \n\.;`, `["a" "say \"no\"" "x\\;y" "it's" "\n\\."]`},
		"a quote inside of a word":         {`a x"y;`, `["a" "x\"y"]`},
		"a variable is no block":           {"set $a ${b}c; d ${e};", `["set" "$a" "${b}c"] ["d" "${e}"]`},
		"a brace ends a word":              {"if ($a){b;}", `["if" "($a)"]{["b"]}`},
		"an expression with braces":        {`location ~ "^/[0-9]{2}$" {}`, `["location" "~" "^/[0-9]{2}$"]{}`},
		"a closing brace inside of a word": {"a x}y;", `["a" "x}y"]`},
		"lua has its own rules":            {"content_by_lua_block { local s = \"}\" -- }\n t = {a={}} s=[[ } ]] --[[ } ]] } b;", `["content_by_lua_block"]{} ["b"]`},
		"several lines":                    {"server\n 10.0.0.1:80\n weight=5 # five\n;", `["server" "10.0.0.1:80" "weight=5"]`},
		"nothing":                          {" \n# only a comment", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &file{data: []byte(c.text)}
			require.NoError(t, f.parse())
			require.Equal(t, c.want, shape(f.directives))
		})
	}
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"no semicolon":          {"a;\nb", 2},
		"an open block":         {"a {\nb;", 2},
		"a brace too many":      {"a;\n}", 2},
		"a lonely semicolon":    {";", 1},
		"an open quote":         {"a;\n\n\"b;", 3},
		"behind a quote":        {`a "b"c;`, 1},
		"an end before its end": {"a {\n b }", 2},
		"open lua":              {"x_by_lua_block {", 1},
		"without end":           {strings.Repeat("a {", 100), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := (&file{data: []byte(c.text)}).parse()
			var syntax *syntaxError
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, c.line, syntax.line, err.Error())
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("http { upstream a { server 10.0.0.1:80 weight=5; } include x*; }")
	f.Add(`a "b\" ; ${c} {`)
	f.Add("x_by_lua_block { -- \n }")
	f.Fuzz(func(t *testing.T, text string) {
		file := &file{data: []byte(text)}
		if file.parse() != nil {
			return
		}
		walk(file.directives, nil, func(d *directive, _ []*directive) {
			if d.name.start < 0 || d.name.end > d.end || d.end > len(text) {
				t.Errorf("%q lies outside of its text", d.name.text)
			}
		})
	})
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

func TestIncludesAreFollowedInOrder(t *testing.T) {
	t.Parallel()
	dir := realPath(t.TempDir())
	conf := filepath.Join(dir, "nginx.conf")
	write(t, dir, map[string]string{
		"nginx.conf":          "a;\nhttp {\n  include conf.d/*.conf;\n  z;\n}\ninclude one;\n",
		"one":                 "x;\ny;",
		"conf.d/b.conf":       "b1;\nb2;",
		"conf.d/a.conf":       "include ../nothing*; a1;",
		"conf.d/.hidden.conf": "hidden;",
		"conf.d/readme":       "readme;",
		"available/c.conf":    "c1;",
	})
	require.NoError(t, os.Symlink("../available/c.conf", filepath.Join(dir, "conf.d/c.conf")))
	tree, err := load(conf, nil)
	require.NoError(t, err)
	flat := tree.flat()
	one := &file{data: flat.text.Bytes()}
	require.NoError(t, one.parse())
	require.Equal(t, `["a"] ["http"]{["a1"] ["b1"] ["b2"] ["c1"] ["z"]} ["x"] ["y"]`, shape(one.directives))
	require.Len(t, tree.files, 5)
	places := map[string]string{"b2": "conf.d/b.conf:2", "z": "nginx.conf:4", "c1": "available/c.conf:1", "a1": "conf.d/a.conf:1"}
	for _, d := range one.directives[1].block {
		if want, ok := places[d.name.text]; ok {
			require.Equal(t, filepath.Join(dir, want), flat.where(lineOf(one.data, d.name.start)))
		}
	}
	within, ok := tree.within(filepath.Join(dir, "conf.d/new.conf"))
	require.True(t, ok)
	require.Equal(t, []string{"http"}, within)
	_, ok = tree.within(filepath.Join(dir, "conf.d/new"))
	require.False(t, ok)

	// Another text for one file, a new one, and one that is gone.
	tree, err = load(conf, overlay{
		filepath.Join(dir, "conf.d/b.conf"): []byte("changed;"), filepath.Join(dir, "conf.d/new.conf"): []byte("new;"), filepath.Join(dir, "available/c.conf"): nil,
	})
	require.NoError(t, err)
	one = &file{data: tree.flat().text.Bytes()}
	require.NoError(t, one.parse())
	require.Equal(t, `["a"] ["http"]{["a1"] ["changed"] ["new"] ["z"]} ["x"] ["y"]`, shape(one.directives))

	write(t, dir, map[string]string{"loop.conf": "include loop.conf;", "none.conf": "\ninclude not-there;", "bad.conf": "include one; include bad2;", "bad2": "x;\n}"})
	_, err = load(filepath.Join(dir, "loop.conf"), nil)
	require.ErrorContains(t, err, "without end")
	_, err = load(filepath.Join(dir, "none.conf"), nil)
	require.ErrorContains(t, err, "not-there")
	_, err = load(filepath.Join(dir, "bad.conf"), nil)
	require.ErrorContains(t, err, filepath.Join(dir, "bad2")+": line 2")
}

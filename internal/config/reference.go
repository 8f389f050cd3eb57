package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/quellhq/quell/internal/secret"
)

// references resolves env:NAME and file:PATH, alone or as ${env:NAME} inside
// of a text, and collects what must not be shown.
type references struct {
	dir     string
	env     func(string) (string, bool)
	dotenv  map[string]string // of the .env file beside the configuration; read when first needed
	secrets []secret.String
}

func newReferences(dir string, env func(string) (string, bool)) *references {
	if env == nil {
		env = os.LookupEnv
	}
	return &references{dir: dir, env: env}
}

var inside = regexp.MustCompile(`\$\{((?:env|file):[^}]*)\}`)

// resolve returns the text with its references replaced. In an address
// (scheme://…) a value put in by ${…} is escaped, so that a password with a
// slash cannot become part of the host. "$${" is a literal "${".
func (r *references) resolve(text string, isSecret bool) (string, error) {
	const literal = "\x00"
	switch {
	case isReference(text):
		value, err := r.lookup(text)
		if err != nil {
			return "", err
		}
		r.keep(value, isSecret)
		return value, nil
	case !strings.Contains(text, "${"):
		r.keep(text, isSecret)
		return text, nil
	}
	address := strings.Contains(text, "://")
	var failed error
	out := inside.ReplaceAllStringFunc(strings.ReplaceAll(text, "$${", literal), func(m string) string {
		value, err := r.lookup(m[2 : len(m)-1])
		if err != nil {
			failed = errors.Join(failed, err)
			return ""
		}
		// What stands inside of a text is nearly always the password.
		r.add(value)
		if address {
			value = url.QueryEscape(value)
			value = strings.ReplaceAll(value, "+", "%20")
			r.add(value)
		}
		return value
	})
	if failed != nil {
		return "", failed
	}
	if strings.Contains(out, "${") {
		return "", fmt.Errorf("only ${env:NAME} and ${file:PATH} may stand in a setting ($${ is a plain ${)")
	}
	return strings.ReplaceAll(out, literal, "${"), nil
}

// template resolves references and leaves every other ${name} to be filled
// later. What a reference leads to is a secret, and no hole: a "${" in it is
// doubled, as "$${" is left.
func (r *references) template(text string) (string, error) {
	if isReference(text) {
		return r.literal(text)
	}
	r.keep(text, false)
	const literal = "\x00"
	var failed error
	out := inside.ReplaceAllStringFunc(strings.ReplaceAll(text, "$${", literal), func(m string) string {
		value, err := r.literal(m[2 : len(m)-1])
		failed = errors.Join(failed, err)
		return value
	})
	if failed != nil {
		return "", failed
	}
	return strings.ReplaceAll(out, literal, "$${"), nil
}

// literal is what a reference leads to, as a part of a template.
func (r *references) literal(ref string) (string, error) {
	value, err := r.lookup(ref)
	if err != nil {
		return "", err
	}
	r.add(value)
	return strings.ReplaceAll(value, "${", "$${"), nil
}

// isReference reports whether a text is a reference as a whole.
func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:") && !strings.HasPrefix(text, "file://")
}

func (r *references) lookup(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	if name == "" {
		return "", fmt.Errorf("%s: names nothing", ref)
	}
	if kind == "file" {
		return r.fromFile(name)
	}
	if value, ok := r.env(name); ok {
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is empty", name)
		}
		return value, nil
	}
	if r.dotenv == nil {
		// A missing or unreadable .env only means that it has no variables.
		data, _ := os.ReadFile(filepath.Join(r.dir, ".env"))
		r.dotenv = ParseDotenv(string(data))
	}
	if value := r.dotenv[name]; value != "" {
		return value, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", name)
}

// maxSecretFile bounds what a file: reference reads.
const maxSecretFile = 64 << 10

func (r *references) fromFile(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	file, err := os.Open(path)
	if err == nil {
		defer func() { _ = file.Close() }()
		var data []byte
		data, err = io.ReadAll(io.LimitReader(file, maxSecretFile+1))
		text := strings.TrimRight(string(data), "\r\n")
		switch {
		case err != nil:
		case len(data) > maxSecretFile:
			return "", fmt.Errorf("the file %s is too long for a secret", path)
		case text == "":
			return "", fmt.Errorf("the file %s is empty", path)
		default:
			return text, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no file %s", path)
	case errors.Is(err, fs.ErrPermission):
		return "", fmt.Errorf("the file %s may not be read", path)
	}
	return "", reading(path, err)
}

// keep notes what of a value is secret: of an address or a
// connection string its password, of anything else the whole.
func (r *references) keep(value string, isSecret bool) {
	if passwords, structured := passwordsIn(value); structured {
		for _, p := range passwords {
			r.add(p)
		}
		if len(passwords) > 0 {
			r.add(value)
		}
		return
	}
	if isSecret {
		r.add(value)
	}
}

func (r *references) add(value string) {
	if value != "" {
		r.secrets = append(r.secrets, secret.New(value))
	}
}

var keywordPassword = regexp.MustCompile(`(?i)(?:^|\s|[?&])(?:ssl)?password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// passwordsIn finds the passwords of an address or of a "host=… password=…"
// connection string; structured is whether the value is one.
func passwordsIn(value string) (passwords []string, structured bool) {
	if u, err := url.Parse(value); err == nil && u.Scheme != "" && strings.Contains(value, "://") {
		structured = true
		if u.User != nil {
			if p, ok := u.User.Password(); ok {
				passwords = append(passwords, p)
				// The form in which it stands in the address.
				if _, raw, ok := strings.Cut(u.User.String(), ":"); ok && raw != p {
					passwords = append(passwords, raw)
				}
			}
		}
	} else if strings.Contains(value, "://") {
		// An address that cannot be read: all of it may be the password.
		return []string{value}, true
	}
	for _, m := range keywordPassword.FindAllStringSubmatch(value, -1) {
		structured = true
		passwords = append(passwords, strings.Trim(m[1], "'"))
	}
	return passwords, structured
}

// Secret reads a secret that was named outside of a configuration file, in a
// flag: as env:NAME or file:PATH. The text itself is refused: command lines are
// seen by everyone on the machine.
func Secret(text string) (secret.String, error) {
	if !strings.HasPrefix(text, "env:") && !strings.HasPrefix(text, "file:") {
		return secret.String{}, fmt.Errorf("a secret in a command line is seen by others: write env:NAME or file:PATH")
	}
	value, err := newReferences(".", nil).resolve(text, true)
	return secret.New(value), err
}

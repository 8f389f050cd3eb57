package rehearsal

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

// Write gives the text of a case file, such that Parse reads the same case.
func Write(c Case) ([]byte, error) {
	expect, err := c.Expect.text()
	if err != nil {
		return nil, fmt.Errorf("write the case of %s: %w", c.Playbook, err)
	}
	a := txtar.Archive{
		Comment: []byte(story(c.Story)),
		Files:   []txtar.File{{Name: "case", Data: expect}},
	}
	for _, answer := range c.Answers {
		a.Files = append(a.Files, txtar.File{Name: answer.Name, Data: []byte(strings.TrimSuffix(answer.Text, "\n") + "\n")})
	}
	return txtar.Format(&a), nil
}

// story is the text before the first part: no line of it may look like the
// head of one.
func story(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "--") {
			lines[i] = "— " + strings.Trim(l, "- ")
		}
	}
	return strings.Join(lines, "\n") + "\n\n"
}

// text is the part "case": what is not zero, in the order of the fields.
func (e Expect) text() ([]byte, error) {
	node := yaml.Node{Kind: yaml.MappingNode}
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		field := v.Field(i)
		if field.IsZero() {
			continue
		}
		var value yaml.Node
		if err := value.Encode(written(field.Interface())); err != nil {
			return nil, err
		}
		if value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: v.Type().Field(i).Tag.Get("yaml")}, &value)
	}
	return encode(&node)
}

func written(v any) any {
	if at, ok := v.(time.Time); ok {
		return at.UTC()
	}
	return v
}

func encode(node *yaml.Node) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

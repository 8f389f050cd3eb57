package action

import "fmt"

// Refusal is why a change is not made and would not be made however often one
// asks: wrong arguments, a guarded target, a missing right. Nothing happened.
type Refusal struct {
	Text string // what is refused and why, in one line
	Hint string // what to do instead; may be empty
	// Undeclared says that the operator has not written down what is asked for,
	// such as a call of that name: it is no step then, and people do it.
	Undeclared bool
}

func (r *Refusal) Error() string {
	if r.Hint != "" {
		return r.Text + ": " + r.Hint
	}
	return r.Text
}

// Refuse returns a Refusal with a text as fmt.Sprintf makes it.
func Refuse(hint, format string, args ...any) *Refusal {
	return &Refusal{Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Undeclared returns a Refusal of something that nobody has declared.
func Undeclared(hint, format string, args ...any) *Refusal {
	r := Refuse(hint, format, args...)
	r.Undeclared = true
	return r
}

// Failure is an Apply that did not do all it should, where it is known what it
// did. Whatever is not known is any other error.
type Failure struct {
	// State is NotMade (nothing happened) or PartlyMade.
	State State
	// Temporary failures may be tried again after a pause: a lock that was not
	// got, a server that starts. Only NotMade ones are.
	Temporary bool
	Text      string
	Done      *Done // of a partly made one
}

func (f *Failure) Error() string { return f.Text }

// Not returns a Failure of which nothing happened.
func Not(format string, args ...any) *Failure {
	return &Failure{State: NotMade, Text: fmt.Sprintf(format, args...)}
}

// NotYet is Not for what may be tried again.
func NotYet(format string, args ...any) *Failure {
	return &Failure{State: NotMade, Temporary: true, Text: fmt.Sprintf(format, args...)}
}

// Unavailable says that a target could not be asked (unreachable, timed out,
// denied): nothing is known and nothing was done by a Preview or a Standing.
type Unavailable struct{ Text string }

func (u *Unavailable) Error() string { return u.Text }

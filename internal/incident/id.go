package incident

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Ref names an incident, one of its plans, or a step of a plan: INC-7, INC-7.1,
// INC-7.1.2. Numbers begin at 1; a zero Plan is the incident itself, and a zero
// Step the whole plan. The zero Ref names nothing.
type Ref struct {
	Incident int64
	Plan     int64
	Step     int64
}

// refPrefix stands before the number of an incident.
const refPrefix = "INC-"

// ParseRef reads what String writes; inc-7 is as good as INC-7. Everything else
// is refused: a name that could be read in two ways must not reach an approval.
func ParseRef(text string) (Ref, error) {
	if len(text) < len(refPrefix) || !strings.EqualFold(text[:len(refPrefix)], refPrefix) {
		return Ref{}, badRef(text, "it does not begin with INC-")
	}
	var r Ref
	fields := []*int64{&r.Incident, &r.Plan, &r.Step}
	numbers := strings.Split(text[len(refPrefix):], ".")
	if len(numbers) > len(fields) {
		return Ref{}, badRef(text, "a step is the last that has a number")
	}
	for i, number := range numbers {
		n, why := refNumber(number)
		if why != "" {
			return Ref{}, badRef(text, why)
		}
		*fields[i] = n
	}
	return r, nil
}

// refNumber reads a number as it is written: digits alone, no zero in front.
func refNumber(text string) (n int64, why string) {
	if text == "" {
		return 0, "a number is missing"
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, fmt.Sprintf("%q is not a number", text)
		}
	}
	if text[0] == '0' {
		return 0, "numbers begin at 1, without a zero in front"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n == math.MaxInt64 {
		return 0, "the number is too large"
	}
	return n, ""
}

func badRef(text, why string) error {
	const longest = 60
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return fmt.Errorf("%q names no incident, plan or step: %s (write INC-7, INC-7.1 or INC-7.1.2)", text, why)
}

// String is the name as people write it.
func (r Ref) String() string {
	text := refPrefix + strconv.FormatInt(r.Incident, 10)
	if r.Plan > 0 {
		text += "." + strconv.FormatInt(r.Plan, 10)
		if r.Step > 0 {
			text += "." + strconv.FormatInt(r.Step, 10)
		}
	}
	return text
}

// InIncident is the incident that r belongs to.
func (r Ref) InIncident() Ref { return Ref{Incident: r.Incident} }

// InPlan is the plan that r belongs to; the incident, where r is no plan's.
func (r Ref) InPlan() Ref { return Ref{Incident: r.Incident, Plan: r.Plan} }

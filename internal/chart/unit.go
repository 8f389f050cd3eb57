package chart

import (
	"math"
	"strconv"
	"strings"
)

// Unit is what the values of a chart are.
type Unit string

// The units.
const (
	Number    Unit = ""
	Seconds   Unit = "seconds"
	Bytes     Unit = "bytes"
	Ratio     Unit = "ratio"   // 0 to 1, shown as a percentage
	Percent   Unit = "percent" // 0 to 100
	PerSecond Unit = "per second"
)

// scale is a unit in the size that fits: milliseconds, MiB.
type scale struct {
	factor float64
	name   string
}

// whole is the top of an axis whose values are all zero.
func (u Unit) whole() float64 {
	if u == Percent {
		return 100
	}
	return 1
}

// scale is the size of the unit for numbers up to most.
func (u Unit) scale(most float64) scale {
	sizes := map[Unit][]scale{
		Seconds:   {{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}, {1e-3, " ms"}, {1e-6, " µs"}},
		Bytes:     {{1 << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}, {1, " B"}},
		Ratio:     {{0.01, " %"}},
		Percent:   {{1, " %"}},
		PerSecond: {{1e9, "G/s"}, {1e6, "M/s"}, {1e3, "k/s"}, {1, "/s"}},
		Number:    {{1e9, "G"}, {1e6, "M"}, {1e4, ""}, {1, ""}},
	}[u]
	for _, s := range sizes {
		// Two of a size, so that an axis up to 90 s does not say 1.5 min.
		if most >= 2*s.factor {
			return u.plain(s)
		}
	}
	return u.plain(sizes[len(sizes)-1])
}

// plain numbers are written out up to a million.
func (u Unit) plain(s scale) scale {
	if u == Number && s.factor == 1e4 {
		s.factor = 1
	}
	return s
}

// text is a value with as many decimals as the step needs.
func (s scale) text(v, step float64) string {
	v, step = v/s.factor, step/s.factor
	decimals := 0
	for decimals < 6 && math.Abs(step-roundTo(step, decimals)) > 1e-9*step {
		decimals++
	}
	if step < 1e-6 || math.Abs(v) >= 1e7 {
		return strconv.FormatFloat(v, 'g', 3, 64) + s.name
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		return "0" + strings.TrimLeft(s.name, "GMk") // of nothing there are no millions
	}
	return thousands(text) + s.name
}

func roundTo(v float64, decimals int) float64 {
	p := math.Pow(10, float64(decimals))
	return math.Round(v*p) / p
}

// thousands puts thin spaces between the thousands of a number.
func thousands(text string) string {
	whole, rest, dot := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "\u2009" + whole[i:]
	}
	if dot {
		whole += "." + rest
	}
	return sign + whole
}

// Text is a value of the unit for a sentence, with three digits.
func (u Unit) Text(v float64) string {
	s := u.scale(2 * math.Abs(v))
	v /= s.factor
	text := strconv.FormatFloat(v, 'f', 0, 64)
	if math.Abs(v) < 1000 {
		three, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
		if err == nil {
			text = strconv.FormatFloat(three, 'f', -1, 64)
		}
	}
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 3, 64) + s.name
	}
	return thousands(text) + s.name
}

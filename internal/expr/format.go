package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// byteUnits in order of length, so that "MiB" is tried before "B".
var byteUnits = []struct {
	name string
	size float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

func parseBytes(text string) (float64, error) {
	trimmed := strings.TrimSpace(text)
	for _, u := range byteUnits {
		if digits, ok := strings.CutSuffix(trimmed, u.name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
			if err == nil && n >= 0 {
				return n * u.size, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is not a size: write a number with B, kB, MB, GB, KiB, MiB or GiB", text)
}

func formatBytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for math.Abs(n) >= 1024 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return formatNumber(roundTo(n, 3)) + " " + units[i]
}

// formatSeconds keeps the two largest units, which is all that anyone reads.
func formatSeconds(s float64) string {
	if math.Abs(s) < 1 {
		return formatNumber(roundTo(s*1000, 2)) + "ms"
	}
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= 24*time.Hour:
		d = d.Round(time.Hour)
	case d >= time.Hour:
		d = d.Round(time.Minute)
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	default:
		d = d.Round(100 * time.Millisecond)
	}
	return FormatDuration(d)
}

// roundTo rounds to a number of significant digits.
func roundTo(f float64, digits int) float64 {
	if f == 0 {
		return 0
	}
	scale := math.Pow(10, float64(digits)-math.Ceil(math.Log10(math.Abs(f))))
	return math.Round(f*scale) / scale
}

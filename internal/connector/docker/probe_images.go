package docker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func imagesSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.images",
		Question: "Which images do the service's containers come from, how large are they, and are they for this machine?",
		Why:      "A large image makes every start on a fresh machine slow, and one for another processor does not run.",
		Cost:     "the list of containers, /info, and two GET for each image (6 at most)",
		Shape:    probe.Rows,
		Params:   []probe.Param{serviceParam()},
		Fields: []probe.Field{
			{Name: "image", Type: "text", About: "as it was asked for"},
			{Name: "present", Type: "bool", About: "the engine has an image of that name now"},
			{Name: "current", Type: "bool", About: "the name still means the image that the container was made of; null where it is not present"},
			{Name: "size_bytes", Type: "number", About: "unpacked, all layers; null where the image is gone"},
			{Name: "layers", Type: "number", About: "how many"},
			{Name: "built_s", Type: "number", About: "its age in seconds"},
			{Name: "arrived_s", Type: "number", About: "seconds since it was pulled, built or named here; null if unknown"},
			{Name: "architecture", Type: "text", About: "as Go names it: amd64, arm64"},
			{Name: "fits", Type: "bool", About: "it is built for the engine's processor; null if unknown"},
			{Name: "containers", Type: "number", About: "of the service, that were made of it"},
		},
		Outcomes: []probe.Outcome{
			{When: "two rows", Means: "old and new release run beside each other"},
			{When: "fits is false", Means: "exec format error, or slow emulation"},
		},
	}
}

type image struct {
	ID           string `json:"Id"`
	Created      time.Time
	Size         int64
	Architecture string
	Os           string
	RootFS       struct{ Layers []string }
	Metadata     struct{ LastTagTime time.Time }
}

// mostImages bounds how many are looked at.
const mostImages = 6

func (t *target) images(ctx context.Context, q probe.Question) evidence.Answer {
	found, _, notes, err := t.of(ctx, q)
	if err != nil {
		return answer(err)
	}
	info, err := t.client.info(ctx)
	if err != nil {
		return answer(err)
	}
	type used struct{ id, name string }
	var order []used
	count := map[used]int64{}
	for _, s := range found {
		u := used{s.ImageID, s.Image}
		if count[u]++; count[u] == 1 {
			order = append(order, u)
		}
	}
	if len(order) > mostImages {
		order = order[:mostImages]
		notes = append(notes, "more images are in use than are looked at")
	}
	rows := []any{}
	for _, u := range order {
		row := map[string]any{
			"image": u.name, "present": false, "current": nil, "size_bytes": nil, "layers": nil, "built_s": nil,
			"arrived_s": nil, "architecture": nil, "fits": nil, "containers": count[u],
		}
		var of, named image
		switch err := t.image(ctx, u.id, &of); {
		case err == nil:
			row["size_bytes"], row["layers"] = of.Size, int64(len(of.RootFS.Layers))
			row["built_s"], row["arrived_s"] = t.age(of.Created), t.age(of.Metadata.LastTagTime)
			if of.Architecture != "" {
				row["architecture"] = of.Architecture
				row["fits"] = sameProcessor(of.Architecture, info.Architecture)
			}
		case !isGone(err):
			return answer(err)
		}
		switch err := t.image(ctx, u.name, &named); {
		case err == nil:
			row["present"], row["current"] = true, named.ID == u.id
		case !isGone(err):
			return answer(err)
		}
		rows = append(rows, row)
	}
	return evidence.Of(rows, notes...)
}

func (t *target) image(ctx context.Context, name string, into *image) error {
	if name == "" || strings.ContainsAny(name, "?#% ") {
		return &fault{status: 404}
	}
	return t.client.get(ctx, "/images/"+name+"/json", nil, into)
}

func isGone(err error) bool {
	var f *fault
	return errors.As(err, &f) && f.status == 404
}

// sameProcessor compares an image's name of a processor with the kernel's;
// what it does not know counts as fitting.
func sameProcessor(image, kernel string) bool {
	names := map[string][]string{
		"amd64": {"x86_64", "amd64"}, "386": {"i386", "i686", "x86_64", "amd64"}, "arm64": {"aarch64", "arm64"},
		"arm": {"armv6l", "armv7l", "arm", "aarch64", "arm64"}, "ppc64le": {"ppc64le"}, "s390x": {"s390x"}, "riscv64": {"riscv64"},
	}
	known := names[image]
	return known == nil || kernel == "" || slices.Contains(known, kernel)
}

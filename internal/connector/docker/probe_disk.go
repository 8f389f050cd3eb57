package docker

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
)

func diskSpec() probe.Spec {
	return probe.Spec{
		Name:     "docker.disk",
		Question: "How much disk do images, containers, volumes and build cache take, and how much of it is unused?",
		Why:      "Old images and build caches are what fills the disk of a machine that is deployed to often.",
		Cost:     "one GET of /system/df, for which the engine walks its directories: seconds on a large machine",
		Shape:    probe.Object,
		Fields: []probe.Field{
			{Name: "total_bytes", Type: "number", About: "of all"},
			{Name: "unused_bytes", Type: "number", About: "of images, stopped containers and build cache that nothing uses; volumes are not counted, since they hold data"},
			{Name: "unused_share", Type: "number", About: "of the whole"},
			{Name: "images_bytes", Type: "number", About: "layers, each once"},
			{Name: "images", Type: "number", About: "how many"},
			{Name: "images_unused", Type: "number", About: "that no container is made of"},
			{Name: "images_unused_bytes", Type: "number", About: "of those, without layers that others share"},
			{Name: "containers_bytes", Type: "number", About: "what containers have written beside their volumes"},
			{Name: "stopped_bytes", Type: "number", About: "of those that do not run"},
			{Name: "volumes_bytes", Type: "number", About: "of all volumes"},
			{Name: "volumes_unused_bytes", Type: "number", About: "of those that no container mounts: they may hold data all the same"},
			{Name: "build_cache_bytes", Type: "number", About: "of the builder"},
			{Name: "largest", Type: "rows", About: "what takes the most: what, name, bytes"},
		},
		Outcomes: []probe.Outcome{
			{When: "unused_share is high and the disk is nearly full", Means: "docker image prune and docker builder prune make room; never prune volumes for that"},
		},
	}
}

type diskUse struct {
	LayersSize int64
	Images     []struct {
		ID         string `json:"Id"`
		RepoTags   []string
		Size       int64
		SharedSize int64
		Containers int64
	}
	Containers []struct {
		Names  []string
		State  string
		SizeRw int64
	}
	Volumes []struct {
		Name      string
		UsageData *struct{ Size, RefCount int64 }
	}
	BuildCache []struct {
		ID    string
		Size  int64
		InUse bool
	}
}

func (t *target) disk(ctx context.Context, _ probe.Question) evidence.Answer {
	var d diskUse
	if err := t.client.get(ctx, "/system/df", nil, &d); err != nil {
		return answer(err)
	}
	type part struct {
		what, name string
		bytes      int64
	}
	var parts []part
	var unusedImages, unusedImageBytes, written, stopped, volumes, unusedVolumes, cache, unusedCache int64
	for _, i := range d.Images {
		own := i.Size - max(0, i.SharedSize)
		if i.Containers == 0 {
			unusedImages++
			unusedImageBytes += own
		}
		name := cut(strings.TrimPrefix(i.ID, "sha256:"), 12)
		if len(i.RepoTags) > 0 {
			name = i.RepoTags[0]
		}
		parts = append(parts, part{"image", name, i.Size})
	}
	for _, c := range d.Containers {
		written += c.SizeRw
		if c.State != "running" && c.State != "paused" && c.State != "restarting" {
			stopped += c.SizeRw
		}
		parts = append(parts, part{"container", strings.TrimPrefix(strings.Join(c.Names, ","), "/"), c.SizeRw})
	}
	for _, v := range d.Volumes {
		if v.UsageData == nil || v.UsageData.Size < 0 {
			continue
		}
		volumes += v.UsageData.Size
		if v.UsageData.RefCount == 0 {
			unusedVolumes += v.UsageData.Size
		}
		parts = append(parts, part{"volume", v.Name, v.UsageData.Size})
	}
	for _, b := range d.BuildCache {
		cache += b.Size
		if !b.InUse {
			unusedCache += b.Size
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.bytes, a.bytes) })
	largest := []any{}
	for _, p := range parts[:min(5, len(parts))] {
		largest = append(largest, map[string]any{"what": p.what, "name": p.name, "bytes": p.bytes})
	}
	total := d.LayersSize + written + volumes + cache
	unused := unusedImageBytes + stopped + unusedCache
	return evidence.Of(map[string]any{
		"total_bytes": total, "unused_bytes": unused, "unused_share": share(unused, total),
		"images_bytes": d.LayersSize, "images": int64(len(d.Images)), "images_unused": unusedImages, "images_unused_bytes": unusedImageBytes,
		"containers_bytes": written, "stopped_bytes": stopped, "volumes_bytes": volumes, "volumes_unused_bytes": unusedVolumes,
		"build_cache_bytes": cache, "largest": largest,
	})
}

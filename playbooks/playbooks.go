// Package playbooks holds the playbooks that Quell ships, inside the binary.
package playbooks

import "embed"

// Files are the shipped playbooks: a folder a system, with its Markdown files,
// the signatures of log lines that they refer to, and where everything that
// they set out to know has its place.
//
//go:embed */*.md signatures/*.yaml coverage.yaml
var Files embed.FS

// Package playbooks holds the playbooks that Quell ships, inside the binary.
package playbooks

import "embed"

// Files are the shipped playbooks: a folder a system, with its Markdown files,
// and the signatures of log lines that they refer to.
//
//go:embed */*.md signatures/*.yaml
var Files embed.FS

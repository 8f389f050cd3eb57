// Package playbooks holds the playbooks that Quell ships, inside the binary.
package playbooks

import "embed"

// Files are the shipped playbooks: a folder a system, with its Markdown files.
//
//go:embed */*.md
var Files embed.FS

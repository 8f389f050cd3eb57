// Package auth reads log lines for who was let in and who was turned away, why,
// and from where: lines of login code, of token checks, of SSH, and access logs,
// whatever their fields are called.
package auth

// Package attack reads access logs for requests that try what attackers try, and
// tells those that were answered with more than the page has to give from the
// scanning that every address on the internet sees.
package attack

// Package redisapi gets in to a Redis or Valkey server and talks to it: where
// it is and with which secret, why it turns one away, and one connection with a
// bound on time and bytes. Connectors of what lives in a Redis share it.
package redisapi

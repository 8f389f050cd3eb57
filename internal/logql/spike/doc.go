// Package spike answers what people ask of logs in an incident: when did it
// start, what is new since, what has become more or less, and which label values
// it is about.
//
// A Collector takes messages, in any order and several of them merged exactly;
// Report compares the time before an onset, or before a moment that the caller
// names, with the time after it. That nothing rose, and that too little was
// written before to compare with, are answers.
//
// The package does no input or output, reads no clock and starts no goroutine.
package spike

package expr

import "github.com/google/cel-go/cel"

func functionOptions() []cel.EnvOption { return nil }

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/quellhq/quell/internal/app"
	"github.com/quellhq/quell/internal/incident"
	"github.com/quellhq/quell/internal/plan"
	"github.com/quellhq/quell/internal/report"
)

func applyCommand(s streams) *cobra.Command {
	var a seat
	var numbers []int
	cmd := &cobra.Command{
		Use:   "apply PLAN",
		Short: "Carry a plan out, one verified step at a time",
		Long: `Carries a plan out, step by step: asks policy, the approval and the world again,
keeps what the step would destroy, acts, and then asks the playbook's questions
until they say better, not better, or cannot tell. The first verified recovery
ends it; what did not help is taken back where it can be. Interrupted at any
point, it goes on when it is called again, and nothing is done twice.`,
		Example: "  quell apply INC-7.1\n  quell apply INC-7.1 --step 2",
		Args:    one("name a plan, like `quell apply INC-7.1`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := planRef(args[0])
			if err != nil {
				return err
			}
			watch := newWatch(s)
			d, err := a.desk(cmd.Context(), s, watch.say)
			if err != nil {
				return err
			}
			defer d.Close()
			_, end, err := d.Apply(cmd.Context(), r, numbers)
			if err != nil {
				return failed(err)
			}
			return showEnd(s, a.asJSON, end)
		},
	}
	a.flags(cmd)
	cmd.Flags().IntSliceVar(&numbers, "step", nil, "only this step, by its number, even if all is well; may be given again")
	return cmd
}

// showEnd prints how a run ended; its exit code says it too.
func showEnd(s streams, asJSON bool, end incident.Finished) error {
	if asJSON {
		if err := writeJSON(s, end); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(s.out, report.Outcome(end, colored(s.out)))
	}
	return endExit(end)
}

// endExit turns the end of a run into an exit code without a message.
func endExit(end incident.Finished) error {
	switch end.Outcome {
	case incident.Recovered, incident.Subsided:
		return nil
	case incident.NeedsPerson, incident.Waiting:
		return &exit{code: exitCannotTell}
	}
	return &exit{code: exitFailed}
}

// climb applies a plan, asking for the approval of each step as it comes.
func climb(ctx context.Context, s streams, d *app.Desk, p plan.Plan, yes bool) error {
	in := bufio.NewReader(s.in)
	end, err := d.Climb(ctx, p, func(step plan.Step) bool {
		return yes || confirm(s, in, fmt.Sprintf("approve step %s: %s (%s, %s)?", step.ID, step.Title, step.Risk, step.Preview.Summary))
	})
	if err != nil {
		return failed(err)
	}
	return showEnd(s, false, end)
}

// confirm asks on a terminal. Without one nobody can say yes.
func confirm(s streams, in *bufio.Reader, question string) bool {
	if !askable(s) {
		fmt.Fprintf(s.err, "%s no terminal to ask on: --yes says yes\n", question)
		return false
	}
	fmt.Fprintf(s.err, "%s [y/N] ", question)
	answer, err := in.ReadString('\n')
	if err != nil && err != io.EOF {
		return false
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// askable reports whether there is somebody at a terminal to ask.
func askable(s streams) bool {
	f, ok := s.in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

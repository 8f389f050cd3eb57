package fault

import (
	"context"
	"math/rand/v2"

	"github.com/quellhq/quell/lab/stack"
)

// mistakes are ordinary ones: each lets a part of the requests fail.
var mistakes = []struct {
	message string
	edits   []stack.Edit
}{
	{"Show prices with their currency", []stack.Edit{{
		File: "orders/catalogue.py",
		Old:  `return [dict(row._mapping) for row in rows]` + "\n\n\n@routes.get(\"/items/{number}\")",
		New:  `return [{**row._mapping, "price": f"{row.price / 100:.2f} {row.currency}"} for row in rows]` + "\n\n\n@routes.get(\"/items/{number}\")",
	}}},
	{"Leave out lines without an amount", []stack.Edit{{
		File: "orders/purchases.py",
		Old:  `return [dict(row._mapping) for row in orders]`,
		New:  `return [{**row._mapping, "lines": row.lines.total} for row in orders]`,
	}}},
	{"Give a discount to faithful customers", []stack.Edit{{
		File: "orders/purchases.py",
		Old:  `    await payment.charge(order)` + "\n",
		New:  `    discount = {"gold": 10, "silver": 5}[str(customer % 3)]` + "\n" + `    await payment.charge(order)` + "\n" + `    journal.info("discount", details={"percent": discount})` + "\n",
	}}},
}

// badDeploy releases code with a mistake.
func badDeploy() Fault {
	return Fault{
		Name: "bad-deploy", Group: "Deploy", Cause: "C-bad-deploy",
		About:      "a release has a mistake: one kind of request fails since",
		Truth:      one("app/release#the-new-version-has-a-fault"),
		LookAlikes: []string{"C-bad-config", "C-schema-behind", "C-dependency-down"},
		Inject: func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			m := mistakes[r.IntN(len(mistakes))]
			if err := s.Release(ctx, m.message, m.edits, s.WebA, s.WebB); err != nil {
				return nil, err
			}
			return func(ctx context.Context) error { return s.Back(ctx, s.WebA, s.WebB) }, nil
		},
	}
}

// harmless is a release that changes nothing that anybody feels.
var harmless = []stack.Edit{{File: "orders/purchases.py", Old: `"""Orders: made in one transaction, paid at the partner's, receipts sent by a job."""`, New: `"""Orders: made in one transaction, paid at the partner's; a job sends the receipts."""`}}

// justDeployed is a release without any mistake.
func justDeployed() Fault {
	return Fault{
		Name: "quiet-release", Group: "healthy", Kind: Healthy,
		About: "a release went out and all is well",
		Inject: func(ctx context.Context, s *stack.Stack, _ *rand.Rand) (Heal, error) {
			return nil, s.Release(ctx, "Say it better", harmless, s.WebA, s.WebB)
		},
	}
}

// falseAlarm is an alert that fires over nothing.
func falseAlarm() Fault {
	return Fault{
		Name: "false-alarm", Group: "healthy", Kind: Healthy, Cause: "C-false-positive-alert", Alert: "HighErrorRate",
		About: "an alert about errors fires, and nothing is wrong",
		Inject: func(_ context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
			s.Customers.Rate(float64(between(r, 8, 16)))
			return nil, nil
		},
	}
}

// herringRelease is a partner that is down, and a release that has nothing to
// do with it.
func herringRelease() Fault {
	f := partnerDown()
	inject := f.Inject
	f.Name, f.Kind, f.Group = "partner-down-after-a-release", Herring, "red herrings"
	f.About = "a release without a mistake went out, and a moment later the payment partner fails"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		if err := s.Release(ctx, "Say it better", harmless, s.WebA, s.WebB); err != nil {
			return nil, err
		}
		return inject(ctx, s, r)
	}
	return f
}

// herringHotfix is a partner that is down, and somebody who deploys in the hope
// that it helps.
func herringHotfix() Fault {
	f := partnerDown()
	inject := f.Inject
	f.Name, f.Kind, f.Group = "partner-down-and-a-hotfix", Herring, "red herrings"
	f.About = "the payment partner fails; a moment later a release goes out that was meant to help"
	f.Inject = func(ctx context.Context, s *stack.Stack, r *rand.Rand) (Heal, error) {
		heal, err := inject(ctx, s, r)
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, between(r, 10, 20)); err != nil {
			return nil, err
		}
		return heal, s.Release(ctx, "Try again", harmless, s.WebA, s.WebB)
	}
	return f
}

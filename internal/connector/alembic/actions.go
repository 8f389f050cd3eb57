package alembic

import (
	"github.com/quellhq/quell/internal/action"
	"github.com/quellhq/quell/internal/probe"
)

// A migration is no temporary measure: neither type has an argument "for".

func upgradeSpec() action.Spec {
	return action.Spec{
		Name: "alembic.upgrade", Risk: action.R3,
		Does:  "Migrates the database to a newer revision. The preview shows the SQL and what it locks; several heads are refused.",
		Undo:  "downgrades to the former revision, where the scripts say how",
		Tells: "alembic current shows the revision",
		Params: []probe.Param{
			{Name: "revision", Type: probe.Text, Default: "head", About: "where to: an id, the beginning of one, head, or +1"},
			codeParam(), lockTimeoutParam(),
		},
	}
}

func downgradeSpec() action.Spec {
	return action.Spec{
		Name: "alembic.downgrade", Risk: action.R3,
		Does:  "Migrates the database back to an older revision; R4 where that drops rows. Refused below what the running code needs.",
		Undo:  "upgrades to the former revision; what was dropped stays lost",
		Tells: "alembic current shows the revision",
		Params: []probe.Param{
			{Name: "revision", Type: probe.Text, About: "where to: an id, the beginning of one, -1, or base for none"},
			codeParam(), lockTimeoutParam(),
		},
	}
}

func codeParam() probe.Param {
	return probe.Param{Name: "code", Type: probe.Text, Default: `""`, About: "revision that the running code expects, where it is known"}
}

func lockTimeoutParam() probe.Param {
	return probe.Param{Name: "lock_timeout", Type: probe.Duration, Default: "5s", About: "longest wait of a statement for a lock: everybody else queues behind it"}
}

// Doer implements action.Changer.
func (t *Target) Doer(name string) (action.Doer, bool) {
	for _, m := range []migration{
		{t: t, spec: upgradeSpec(), verb: "upgrade", back: "downgrade"},
		{t: t, spec: downgradeSpec(), verb: "downgrade", back: "upgrade"},
	} {
		if m.spec.Name == name {
			return m, true
		}
	}
	return nil, false
}

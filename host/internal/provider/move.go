package provider

import (
	"maps"
	"slices"
)

// A move gives a provider to another slot, because its driver or its isolation has
// changed. It stays in the old one until it is open in the new one, and if that
// fails it stays there for good.
type move struct {
	old  *member
	from string // names of slots
	to   string
}

// findMoves lists what moves, by the names of the providers.
func (r *reload) findMoves() {
	r.moves = map[string]move{}
	for _, c := range r.before.order {
		m, ok := r.wanted[c.Name]
		if !ok || m.configured.slotName() == c.slotName() {
			continue
		}
		old := &member{configured: c, request: openRequest(r.providers.config.PublicURL, c), route: r.before.routes[c.Name].route}
		r.moves[c.Name] = move{old: old, from: c.slotName(), to: m.configured.slotName()}
	}
}

// withLeaving are the members of a slot and those that are about to leave it.
func (r *reload) withLeaving(slot string, wanted map[string]*member) map[string]*member {
	all := maps.Clone(wanted)
	for name, move := range r.moves {
		if move.from == slot {
			all[name] = move.old
		}
	}
	return all
}

// decideMoves lets a provider stay where it is if that is better than where it was
// to go.
func (r *reload) decideMoves() {
	for _, name := range slices.Sorted(maps.Keys(r.moves)) {
		move := r.moves[name]
		from, to := move.old.route.target.Load(), r.wanted[name].route.target.Load()
		if usable := from.provider != nil || from.waiting; !r.kept[name] && (to.provider != nil || !usable) {
			continue
		}
		r.fail("provider "+name+" stays as it was", to.whyNot())
		r.kept[name], r.wanted[name] = true, move.old
		move.from, move.to = move.to, move.from
		r.moves[name] = move
	}
}

// endMoves takes the providers out of the slots in which they are not any more. A
// slot that nobody needs has been ended already.
func (r *reload) endMoves() {
	for name, move := range r.moves {
		if s, ok := r.providers.slots[move.from]; ok {
			_ = s.do(r.providers.life, func() { s.drop(name); s.show(nil) })
		}
	}
}

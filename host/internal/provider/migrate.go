package provider

import (
	"maps"
	"slices"
)

// A migration moves a provider to another plugin process because its driver or its
// isolation has changed. The provider stays in the old process until it is open in the
// new one; if that fails, it stays in the old one.
type migration struct {
	old  *spec
	from string // names of plugins
	to   string
}

// findMigrations finds the providers that migrate, by name.
func (r *reload) findMigrations() {
	r.migrations = map[string]migration{}
	for _, c := range r.before.order {
		wanted, ok := r.wanted[c.Name]
		if !ok || wanted.configured.pluginName() == c.pluginName() {
			continue
		}
		old := &spec{configured: c, request: openRequest(r.providers.config.PublicURL, c), handle: r.before.handles[c.Name]}
		r.migrations[c.Name] = migration{old: old, from: c.pluginName(), to: wanted.configured.pluginName()}
	}
}

// includingLeaving returns the providers of a plugin and those that are about to leave
// it.
func (r *reload) includingLeaving(plugin string, wanted map[string]*spec) map[string]*spec {
	all := maps.Clone(wanted)
	for name, m := range r.migrations {
		if m.from == plugin {
			all[name] = m.old
		}
	}
	return all
}

// rollBack keeps a provider in its old process if it is usable there and not open in
// the new one.
func (r *reload) rollBack() {
	for _, name := range slices.Sorted(maps.Keys(r.migrations)) {
		m := r.migrations[name]
		from, to := m.old.handle.current.Load(), r.wanted[name].handle.current.Load()
		if usable := from.open() || from.pending(); !r.kept[name] && (to.open() || !usable) {
			continue
		}
		r.fail("provider "+name+" stays as it was", to.reason())
		r.kept[name], r.wanted[name] = true, m.old
		m.from, m.to = m.to, m.from
		r.migrations[name] = m
	}
}

// endMigrations removes the providers from the plugins that they have left. Plugins
// that are no longer needed have been stopped already.
func (r *reload) endMigrations() {
	for name, m := range r.migrations {
		if s, ok := r.providers.supervisors[m.from]; ok {
			_ = s.do(r.providers.life, func() { s.remove(name); s.publishStatus(nil) })
		}
	}
}

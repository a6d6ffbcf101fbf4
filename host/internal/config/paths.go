package config

import "strings"

// PluginPaths returns the plugin folder and the path of the lock file, for commands that
// need no other setting. The error is an [*Error].
func PluginPaths(in Input) (dir, lockFile string, err error) {
	g, s, err := pathsIn(in)
	if err != nil {
		return "", "", err
	}
	dir = g.pluginDir(s, in.Executable)
	lockFile = g.pluginLock(s, dir)
	return dir, lockFile, g.problem()
}

// SocketPath returns the path of the control socket, for commands that only talk to the
// running host. It reads only CONTROL_SOCKET and DB_FILENAME. The error is an [*Error].
func SocketPath(in Input) (string, error) {
	g, s, err := pathsIn(in)
	if err != nil {
		return "", err
	}
	database := under(g.base("db_filename"), s.DBFilename)
	path := g.controlSocket(s, database)
	return path, g.problem()
}

// pathsIn reads only the settings that are paths.
func pathsIn(in Input) (*optionGroup, Settings, error) {
	l, err := newLoader(in)
	if err != nil {
		return nil, Settings{}, err
	}
	l.problems = nil // of the rest of the YAML file
	g := newSettings(l, map[string]given{})
	var s Settings
	for name, to := range map[string]*string{
		"plugin_dir": &s.PluginDir, "plugin_lock": &s.PluginLock, "control_socket": &s.ControlSocket, "db_filename": &s.DBFilename,
	} {
		option, _ := settingsSchema.Lookup(name)
		*to = option.Default
		found, ok := l.givenSetting(option)
		if !ok || found.broken || found.value == nil {
			continue
		}
		g.given[name] = found
		if *to, ok = found.value.(string); !ok {
			g.refuse(name, "must be a path")
		}
	}
	return g, s, g.problem()
}

// newSettings returns the group of the host's Settings.
func newSettings(l *loader, values map[string]given) *optionGroup {
	return newGroup(l, values, func(option string) string {
		if found, ok := values[option]; ok {
			return found.origin
		}
		return strings.ToUpper(option)
	})
}

// problem returns the Error of what was wrong so far, or nil.
func (g *optionGroup) problem() error {
	if len(g.loader.problems) == 0 {
		return nil
	}
	return &Error{Problems: g.loader.problems, Notes: g.loader.notes}
}

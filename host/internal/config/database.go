package config

import "strings"

// DatabasePaths returns the path of the database and that of the control socket of
// the host that uses it, for commands that need nothing else to be set: SECRET may
// be lost.
func DatabasePaths(in Input) (database, socket string, err error) {
	l, err := newLoader(in)
	if err != nil {
		return "", "", err
	}
	g := newGroup(l, l.givenSettings(), strings.ToUpper)
	l.problems = nil // of the rest of the configuration
	option, _ := settingsSchema.Lookup("db_filename")
	s := settings{DBFilename: option.Default}
	for name, to := range map[string]*string{"db_filename": &s.DBFilename, "control_socket": &s.ControlSocket} {
		if found, ok := g.given[name]; ok {
			if *to, ok = found.value.(string); !ok || found.broken {
				return "", "", oneProblem(found.origin, "must be a path")
			}
		}
	}
	g.checkDatabasePath(s.DBFilename)
	database = l.path(s.DBFilename)
	socket = g.controlSocket(s, database)
	if len(l.problems) > 0 {
		return "", "", &Error{l.problems}
	}
	return database, socket, nil
}

package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// maxParts limits how often further values of an attribute are requested: Active Directory
// sends 1500 at a time.
const maxParts = 20

// Complete reads the remaining values of attributes that the server sent in part (MS-ADTS
// section 3.1.1.3.1.3.3). Call it only after the password was right: the time that it takes
// would reveal that the name exists.
func Complete(ctx context.Context, search Searcher, e *Entry) error {
	if len(e.more) == 0 {
		return nil
	}
	return search(ctx, func(c *Connection) error { return readRest(ctx, c, e) })
}

func readRest(ctx context.Context, c *Connection, e *Entry) error {
	for _, name := range slices.Sorted(maps.Keys(e.more)) {
		for parts := 0; e.more[name] > 0; parts++ {
			if parts == maxParts || len(e.values[name]) > sdk.MaxGroups {
				return sdk.InvalidResponse(ReasonGroups, "the attribute %s of %s has more than %d values", name, e.DN, sdk.MaxGroups)
			}
			if err := readPart(ctx, c, e, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func readPart(ctx context.Context, c *Connection, e *Entry, name string) error {
	from := e.more[name]
	found, _, err := c.Search(ctx, Query{
		Base: e.DN, Scope: ldap.ScopeBaseObject, Filter: "(objectClass=*)", Limit: 1,
		Attributes: []string{fmt.Sprintf("%s;range=%d-*", name, from)},
	})
	if err != nil {
		return err // the part is requested again on another connection
	}
	delete(e.more, name)
	if len(found) != 1 {
		return nil
	}
	e.values[name] = append(e.values[name], found[0].values[name]...)
	if next := found[0].more[name]; next > from { // otherwise a server could loop
		e.more[name] = next
	}
	return nil
}

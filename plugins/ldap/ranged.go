package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// maxParts bounds how often the rest of an attribute is asked for: 1500 values each
// time at Active Directory.
const maxParts = 20

// complete reads the rest of the attributes that the server sent in part (MS-ADTS
// section 3.1.1.3.1.3.3). It happens after the password was proved right: the time that
// it takes would tell that the name exists.
func complete(ctx context.Context, search searcher, e *entry) error {
	if len(e.more) == 0 {
		return nil
	}
	return search(ctx, func(c *connection) error { return readRest(ctx, c, e) })
}

func readRest(ctx context.Context, c *connection, e *entry) error {
	for _, name := range slices.Sorted(maps.Keys(e.more)) {
		for parts := 0; e.more[name] > 0; parts++ {
			if parts == maxParts || len(e.values[name]) > sdk.MaxGroups {
				return sdk.InvalidResponse(reasonGroups, "the attribute %s of %s has more than %d values", name, e.dn, sdk.MaxGroups)
			}
			if err := readPart(ctx, c, e, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func readPart(ctx context.Context, c *connection, e *entry, name string) error {
	from := e.more[name]
	delete(e.more, name)
	found, _, err := c.search(ctx, query{
		base: e.dn, scope: ldap.ScopeBaseObject, filter: "(objectClass=*)", limit: 1,
		attributes: []string{fmt.Sprintf("%s;range=%d-*", name, from)},
	})
	if err != nil || len(found) != 1 {
		return err
	}
	e.values[name] = append(e.values[name], found[0].values[name]...)
	if next := found[0].more[name]; next > from { // else a server could go round in circles
		e.more[name] = next
	}
	return nil
}

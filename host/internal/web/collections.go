package web

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// errForbiddenField means that the field does not exist or that the user has no access to
// it. Directus does not distinguish the two.
var errForbiddenField = errors.New("no such field, or not for this user")

// collection is a kind of record as Directus clients know it.
type collection struct {
	name string

	// fields are the fields that this host has. * stands for them.
	fields []string

	// absent are the fields that Directus has and this host does not, with the value that
	// they have in Directus when nothing was entered: a client that asks for avatar gets
	// null and can continue.
	absent map[string]any

	// relations are the fields that lead to a record of another kind. emptyRelations are
	// the absent ones: they lead nowhere, whatever fields are requested below them.
	relations map[string]*collection

	emptyRelations []string
}

var rolesCollection = &collection{
	name: "directus_roles", fields: fieldsOf(roleBody{}),
	absent:         map[string]any{"icon": nil, "description": nil, "parent": nil, "children": []string{}, "policies": []string{}, "users": []string{}},
	emptyRelations: []string{"parent", "children", "policies", "users"},
}

var usersCollection = &collection{
	name: "directus_users", fields: fieldsOf(userBody{}),
	absent: map[string]any{
		"avatar": nil, "title": nil, "description": nil, "location": nil, "tags": nil, "password": nil, "token": nil, "tfa_secret": nil, "auth_data": nil, "last_page": nil,
		"email_notifications": nil, "text_direction": nil, "appearance": nil, "theme": nil, "theme_light": nil, "theme_light_overrides": nil, "theme_dark": nil, "theme_dark_overrides": nil,
		"policies": []string{},
	},
	relations:      map[string]*collection{"role": rolesCollection},
	emptyRelations: []string{"avatar", "policies"},
}

// fieldsOf returns the JSON names of a body's fields.
func fieldsOf(body any) (names []string) {
	for field := range reflect.TypeOf(body).Fields() {
		names = append(names, field.Tag.Get("json"))
	}
	return names
}

// record returns the fields of a body by their JSON names.
func record(body any) map[string]any {
	values := map[string]any{}
	for field, value := range reflect.ValueOf(body).Fields() {
		values[field.Tag.Get("json")] = value.Interface()
	}
	return values
}

// fieldsError says which fields a collection does not have, and below which field a client
// asked for them, if any.
type fieldsError struct {
	collection, below string
	names             []string
}

func (e fieldsError) Unwrap() error { return errForbiddenField }

// Error uses the words of Directus, which programs look for.
func (e fieldsError) Error() string {
	where := "root"
	if e.below != "" {
		where = `"` + e.below + `"`
	}
	named := `"` + strings.Join(e.names, `", "`) + `"`
	if len(e.names) == 1 {
		return `You don't have permission to access field ` + named + ` in collection "` + e.collection + `" or it does not exist. Queried in ` + where + `.`
	}
	return `You don't have permission to access fields ` + named + ` in collection "` + e.collection + `" or they do not exist. Queried in ` + where + `.`
}

// expand replaces * by the names of the fields, and returns a fieldsError if a field does
// not exist in the collection.
func (k *collection) expand(wanted fields, below string) (fields, error) {
	named := fields{}
	for name, of := range wanted {
		if name != anyField {
			named.below(name).merge(of)
			continue
		}
		for _, own := range k.fields {
			if field := named.below(own); k.relations[own] != nil {
				field.merge(of)
			}
		}
	}
	if unknown := k.unknown(named); unknown != nil {
		return nil, fieldsError{k.name, below, unknown}
	}
	for name, related := range k.relations {
		if len(named[name]) == 0 {
			continue
		}
		inner, err := related.expand(named[name], strings.TrimPrefix(below+"."+name, "."))
		if err != nil {
			return nil, err
		}
		named[name] = inner
	}
	return named, nil
}

// unknown returns the names of fields that the collection does not have, in order.
func (k *collection) unknown(named fields) (unknown []string) {
	for _, name := range slices.Sorted(maps.Keys(named)) {
		_, lacking := k.absent[name]
		switch {
		case !lacking && !slices.Contains(k.fields, name):
			unknown = append(unknown, name)
		case len(named[name]) > 0 && k.relations[name] == nil && !slices.Contains(k.emptyRelations, name):
			for _, inner := range slices.Sorted(maps.Keys(named[name])) {
				unknown = append(unknown, name+"."+inner)
			}
		}
	}
	return unknown
}

// pick returns the requested fields of a record, and those of its related records. wanted
// is expanded.
func (k *collection) pick(wanted fields, of map[string]any, related map[string]map[string]any) map[string]any {
	picked := make(map[string]any, len(wanted))
	for name, below := range wanted {
		value, ok := of[name]
		switch {
		case !ok:
			picked[name] = k.absent[name]
		case len(below) == 0 || related[name] == nil:
			picked[name] = value
		default:
			picked[name] = k.relations[name].pick(below, related[name], nil)
		}
	}
	return picked
}

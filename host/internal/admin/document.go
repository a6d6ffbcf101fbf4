package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/people"
)

// object is a JSON object.
type object = map[string]any

// documentOf returns the OpenAPI 3.1 document of the table.
func documentOf(table []operation, version string) object {
	d := &document{schemas: object{}}
	paths := object{}
	for _, op := range table {
		path, ok := paths[Prefix+op.path].(object)
		if !ok {
			path = object{}
			paths[Prefix+op.path] = path
		}
		path[strings.ToLower(op.method)] = d.operation(op)
	}
	paths[Prefix+documentPath] = object{"get": object{
		"operationId": "document", "summary": "This document", "description": "Needs a key with any scope.",
		"responses": d.responses(object{"type": "object"}, statuses(operation{})),
	}}
	return object{
		"openapi": "3.1.0",
		"info": object{"title": "Doorward administration", "version": version, "description": "Operations on users, roles, sessions, events and keys. " +
			"The control socket needs no key: anyone who can open it is the operator."},
		"security": []object{{"key": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas":         d.schemas,
			"securitySchemes": object{"key": object{"type": "http", "scheme": "bearer", "description": "doorward key add makes a key"}},
		},
	}
}

type document struct{ schemas object }

func (d *document) operation(op operation) object {
	members := membersOf(op.in)
	described := object{
		"operationId": op.id, "summary": op.summary, "description": fmt.Sprintf("Needs the scope %s.", op.scope),
		"x-scope": op.scope, "responses": d.responses(d.answer(op), statuses(op)),
	}
	if parameters := d.parameters(members); len(parameters) > 0 {
		described["parameters"] = parameters
	}
	if body := at(members, inBody); len(body) > 0 {
		described["requestBody"] = object{"required": true, "content": content(d.object(body))}
	}
	return described
}

func (d *document) parameters(members []member) []object {
	var parameters []object
	for _, m := range members {
		if m.place != inBody {
			parameters = append(parameters, object{
				"name": m.name, "in": string(m.place), "required": m.required, "description": m.doc, "schema": d.member(m),
			})
		}
	}
	return parameters
}

// statuses returns the status codes of the errors that an operation can return.
func statuses(op operation) []int {
	list := []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if op.in == nil {
		return list
	}
	list = append(list, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	if len(at(membersOf(op.in), inPath)) > 0 {
		list = append(list, http.StatusNotFound)
	}
	if op.conflicts {
		list = append(list, http.StatusConflict)
	}
	return list
}

func (d *document) responses(success object, failures []int) object {
	responses := object{"200": object{"description": "Done", "content": content(success)}}
	for _, status := range failures {
		responses[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": content(d.schema(reflect.TypeFor[failure]()))}
	}
	return responses
}

func (d *document) answer(op operation) object {
	if !op.list {
		return object{"type": "object", "required": []string{"data"}, "additionalProperties": false, "properties": object{"data": d.schema(op.out)}}
	}
	return object{"type": "object", "required": []string{"data", "meta"}, "additionalProperties": false, "properties": object{
		"data": object{"type": "array", "items": d.schema(op.out)}, "meta": d.schema(reflect.TypeFor[paging]()),
	}}
}

func content(schema object) object { return object{"application/json": object{"schema": schema}} }

// schema describes a type. Structs become components.
func (d *document) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[people.Change]():
		return object{"type": []string{"string", "null"}}
	case t == reflect.TypeFor[people.Scope]():
		return object{"type": "string", "enum": people.Scopes()}
	}
	switch t.Kind() {
	case reflect.Pointer:
		schema := d.schema(t.Elem())
		schema["type"] = []string{schema["type"].(string), "null"}
		return schema
	case reflect.Slice:
		return object{"type": "array", "items": d.schema(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int:
		return object{"type": "integer"}
	case reflect.Struct:
		name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		if _, ok := d.schemas[name]; !ok {
			d.schemas[name] = d.object(membersOf(t))
		}
		return object{"$ref": "#/components/schemas/" + name}
	default:
		return object{"type": "string"}
	}
}

func (d *document) object(members []member) object {
	properties, required := object{}, []string{}
	for _, m := range members {
		properties[m.name] = d.member(m)
		if m.required {
			required = append(required, m.name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func (d *document) member(m member) object {
	schema := d.schema(m.kind)
	if m.doc != "" && m.place == inBody {
		schema["description"] = m.doc
	}
	if m.enum != nil {
		schema["enum"] = m.enum
	}
	switch {
	case m.most > 0 && m.kind.Kind() == reflect.Int:
		schema["minimum"], schema["maximum"] = m.least, m.most
	case m.most > 0:
		schema["maxLength"] = m.most
	}
	return schema
}

// wanted says in words what a member must be.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time, such as 2027-01-31T12:00:00Z"
	case t == reflect.TypeFor[[]string]():
		return "a list of strings"
	case t.Kind() == reflect.Slice:
		return "a list of objects, each with only the members that the document names"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "a string"
	}
}

// Document returns the OpenAPI document as JSON.
func Document(version string) ([]byte, error) {
	return json.MarshalIndent(documentOf(operations(nil), version), "", "  ")
}

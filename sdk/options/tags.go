package options

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

var optionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// readTags makes an Option of a struct field. It returns false for a field that is
// not an option.
func readTags(sf reflect.StructField) (Option, bool, error) {
	tag, tagged := sf.Tag.Lookup("option")
	switch {
	case tag == "-", !tagged && !sf.IsExported():
		return Option{}, false, nil
	case !tagged:
		return Option{}, false, errors.New(`has no option tag; write option:"-" to leave it out`)
	case !sf.IsExported():
		return Option{}, false, errors.New("has an option tag and must be exported")
	}
	o := Option{Default: sf.Tag.Get("default"), Doc: sf.Tag.Get("doc")}
	if err := readOptionTag(&o, tag); err != nil {
		return Option{}, false, err
	}
	if err := readType(&o, sf.Type); err != nil {
		return Option{}, false, err
	}
	if values, ok := sf.Tag.Lookup("oneof"); ok {
		o.Values = strings.Split(values, "|")
	}
	return o, true, checkOption(o)
}

func readOptionTag(o *Option, tag string) error {
	name, flags, _ := strings.Cut(tag, ",")
	if !optionName.MatchString(name) {
		return fmt.Errorf("option name %q must have lower-case letters, digits and underscores only", name)
	}
	o.Name = name
	for flag := range strings.SplitSeq(flags, ",") {
		switch flag {
		case "":
		case "required":
			o.Required = true
		case "secret":
			o.Secret = true
		default:
			return fmt.Errorf("option tag has the unknown flag %q", flag)
		}
	}
	return nil
}

func readType(o *Option, t reflect.Type) error {
	switch t {
	case reflect.TypeFor[Secret]():
		o.Type, o.Secret = TypeString, true
		return nil
	case reflect.TypeFor[time.Duration]():
		o.Type = TypeDuration
		return nil
	case reflect.TypeFor[bool]():
		o.Type = TypeBool
		return nil
	case reflect.TypeFor[int]():
		o.Type = TypeInteger
		return nil
	case reflect.TypeFor[[]string]():
		o.Type = TypeList
		return nil
	case reflect.TypeFor[map[string]string]():
		o.Type = TypeMap
		return nil
	case reflect.TypeFor[map[string]any]():
		o.Type = TypeObject
		return nil
	case reflect.TypeFor[JSON]():
		o.Type = TypeJSON
		return nil
	}
	if t.Kind() == reflect.String {
		o.Type = TypeString
		return nil
	}
	return fmt.Errorf("option cannot have the type %s", t)
}

// checkOption refuses tags that contradict each other.
func checkOption(o Option) error {
	if o.Values != nil && o.Type != TypeString && o.Type != TypeList {
		return fmt.Errorf("oneof does not go with the type %s", o.Type)
	}
	for i, value := range o.Values {
		if value == "" {
			return errors.New("oneof has an empty value")
		}
		if slices.ContainsFunc(o.Values[:i], func(other string) bool { return strings.EqualFold(other, value) }) {
			return fmt.Errorf("oneof has %s twice, but for the case of letters", value)
		}
	}
	if o.Default == "" {
		return nil
	}
	if o.Required || o.Secret {
		return errors.New("a required or secret option cannot have a default")
	}
	if _, err := parse(o, o.Default); err != nil {
		return fmt.Errorf("default %w", err)
	}
	return nil
}

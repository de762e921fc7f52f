// Writes the table from which the embedded API server reads protobuf: for each type of a served built-in kind its fields'
// numbers, JSON names and types, as the Go types of Kubernetes say them.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

const served = "../../host/filbert-apiserver/src/resource/builtin.tsv"

// Types that JSON writes as a text or a number; the server knows each by its name.
var special = map[string]bool{
	"meta/v1.Time": true, "meta/v1.MicroTime": true, "meta/v1.Duration": true, "meta/v1.FieldsV1": true,
	"resource.Quantity": true, "intstr.IntOrString": true, "runtime.RawExtension": true,
}

type table struct {
	types map[string]string
}

func name(t reflect.Type) string {
	path := t.PkgPath()
	for _, prefix := range []string{"k8s.io/apimachinery/pkg/apis/", "k8s.io/apimachinery/pkg/api/", "k8s.io/apimachinery/pkg/util/", "k8s.io/apimachinery/pkg/", "k8s.io/api/"} {
		if strings.HasPrefix(path, prefix) {
			return strings.TrimPrefix(path, prefix) + "." + t.Name()
		}
	}
	return path + "." + t.Name()
}

// Lists that are messages of their own, such as the values of an `extra`.
func isMessage(t reflect.Type) bool {
	_, marshals := reflect.PointerTo(t).MethodByName("MarshalToSizedBuffer")
	return marshals
}

// The type of a field: a letter, the name of a message, or one of these behind `*` (list) or `%` (map).
func (out *table) kind(t reflect.Type) string {
	if t.Name() != "" && isMessage(t) && t.Kind() != reflect.Struct {
		out.types[name(t)] = "1*items:" + out.kind(t.Elem())
		return "&" + name(t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return out.kind(t.Elem())
	case reflect.Bool:
		return "b"
	case reflect.String:
		return "s"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint32, reflect.Uint64:
		return "i"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y"
		}
		return "*" + out.kind(t.Elem())
	case reflect.Map:
		return "%" + out.kind(t.Elem())
	case reflect.Struct:
		out.add(t)
		return name(t)
	}
	panic("no protobuf for " + t.String())
}

func (out *table) add(t reflect.Type) {
	if _, known := out.types[name(t)]; known || special[name(t)] {
		return
	}
	out.types[name(t)] = ""
	var fields []string
	for i := range t.NumField() {
		field := t.Field(i)
		parts := strings.Split(field.Tag.Get("protobuf"), ",")
		if len(parts) < 2 {
			continue
		}
		json := strings.Split(field.Tag.Get("json"), ",")[0]
		kept := ""
		if field.Type.Kind() == reflect.Pointer {
			kept = "?"
		}
		kind := out.kind(field.Type)
		if strings.HasPrefix(kind, "*") {
			kept, kind = "*", kind[1:]
		}
		fields = append(fields, parts[1]+kept+json+":"+kind)
	}
	out.types[name(t)] = strings.Join(fields, " ")
}

func main() {
	file, err := os.Open(served)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := table{types: map[string]string{}}
	var roots []string
	add := func(group, version, kind string) {
		known, err := scheme.Scheme.New(schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
		if err != nil {
			return
		}
		t := reflect.TypeOf(known).Elem()
		out.add(t)
		root := schema.GroupVersion{Group: group, Version: version}.String() + " " + kind + "\t" + name(t)
		roots = append(roots, root)
	}
	versions := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		cells := strings.Split(lines.Text(), "\t")
		if strings.HasPrefix(lines.Text(), "#") || len(cells) < 11 {
			continue
		}
		group := strings.Trim(cells[0], "-")
		add(group, cells[1], cells[4])
		if !versions[group+"/"+cells[1]] {
			versions[group+"/"+cells[1]] = true
			add(group, cells[1], "DeleteOptions")
		}
		// Parts of a resource that have a kind of their own: name:kind@group/version:verbs.
		for _, part := range strings.Split(cells[10], ";") {
			names := strings.Split(part, ":")
			if len(names) < 2 {
				continue
			}
			kind, place, other := strings.Cut(names[1], "@")
			if !other {
				place = schema.GroupVersion{Group: group, Version: cells[1]}.String()
			}
			if parsed, err := schema.ParseGroupVersion(place); err == nil {
				add(parsed.Group, parsed.Version, kind)
			}
		}
	}
	sort.Strings(roots)
	fmt.Println("# Fields of the built-in kinds in protobuf. Made in `tests/bed` by: go run ./programs/fields >../../host/filbert-apiserver/protobuf/fields.tsv")
	fmt.Println("# Kinds: version, kind, type.")
	previous := ""
	for _, root := range roots {
		if root != previous {
			fmt.Println(root)
		}
		previous = root
	}
	fmt.Println("# Types: number, `*` a list or `?` optional, JSON name (none: its fields are those of the parent), type: s text, i number, b truth value,")
	fmt.Println("# y bytes, `%` a map of texts to what follows, `&` a message that is a list in JSON, or the name of a type.")
	var names []string
	for name := range out.types {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(name + "\t" + out.types[name])
	}
}

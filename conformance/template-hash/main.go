// Command hashes prints what Kubernetes makes of pod templates: the Go types that they have (`types`), how it prints one
// that it reads (`show`), and hashes of templates made at random (`vectors COUNT`).
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	mathrand "math/rand"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/dump"
	"k8s.io/apimachinery/pkg/util/rand"
)

func hashOf(template *corev1.PodTemplateSpec, collisions int32) string {
	hasher := fnv.New32a()
	fmt.Fprintf(hasher, "%v", dump.ForHash(*template))
	if collisions > 0 {
		bytes := make([]byte, 8)
		binary.LittleEndian.PutUint32(bytes, uint32(collisions))
		hasher.Write(bytes)
	}
	return rand.SafeEncodeString(fmt.Sprint(hasher.Sum32()))
}

// patchOf is what StatefulSet and DaemonSet keep of a template.
func patchOf(template *corev1.PodTemplateSpec) []byte {
	text, err := json.Marshal(template)
	if err != nil {
		panic(err)
	}
	var raw map[string]interface{}
	if err := json.Unmarshal(text, &raw); err != nil {
		panic(err)
	}
	raw["$patch"] = "replace"
	patch, err := json.Marshal(map[string]interface{}{"spec": map[string]interface{}{"template": raw}})
	if err != nil {
		panic(err)
	}
	return patch
}

func revisionHash(patch []byte, collisions int32) string {
	hasher := fnv.New32()
	hasher.Write(patch)
	hasher.Write([]byte(strconv.FormatInt(int64(collisions), 10)))
	return rand.SafeEncodeString(fmt.Sprint(hasher.Sum32()))
}

// types are lines for packages/fairlead/src/controllers/workload/go-pod-template.ts, by name.
var types = map[string]string{}
var from = map[string]reflect.Type{}

func spell(t reflect.Type) string {
	if t.Name() != "" {
		if t.PkgPath() != "" {
			describe(t)
		}
		return t.String()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + spell(t.Elem())
	case reflect.Slice:
		return "[]" + spell(t.Elem())
	case reflect.Map:
		return "map[" + spell(t.Key()) + "]" + spell(t.Elem())
	}
	panic(t.String())
}

func describe(t reflect.Type) {
	name := t.String()
	if known, ok := from[name]; ok {
		if known != t {
			panic("two types called " + name)
		}
		return
	}
	from[name] = t
	if name == "resource.Quantity" || name == "v1.Time" || name == "v1.FieldsV1" || name == "intstr.IntOrString" {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := []string{}
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			json := strings.Split(tag, ",")[0]
			upper := strings.ToUpper(json[:min(1, len(json))]) + json[min(1, len(json)):]
			text := f.Name
			if json == "" {
				text += "=" // inline
			} else if upper != f.Name {
				text += "=" + json
			}
			if json != "" && !strings.Contains(tag, ",omitempty") {
				text += "!"
			}
			fields = append(fields, text+":"+spell(f.Type))
		}
		types[name] = strings.Join(fields, " ")
	case reflect.Slice:
		types[name] = "= []" + spell(t.Elem())
	case reflect.Map:
		types[name] = "= map[" + spell(t.Key()) + "]" + spell(t.Elem())
	default:
		types[name] = "= " + t.Kind().String()
	}
}

func main() {
	switch os.Args[1] {
	case "show":
		var template corev1.PodTemplateSpec
		if err := json.NewDecoder(os.Stdin).Decode(&template); err != nil {
			panic(err)
		}
		fmt.Println(dump.ForHash(template))
		fmt.Println(hashOf(&template, 0))
	case "types":
		spell(reflect.TypeOf(corev1.PodTemplateSpec{}))
		names := []string{}
		for name := range types {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Printf("%s %s\n", name, types[name])
		}
	case "vectors":
		count, _ := strconv.Atoi(os.Args[2])
		random := mathrand.New(mathrand.NewSource(34))
		for i := 0; i < count; i++ {
			var filled, template corev1.PodTemplateSpec
			fill(random, reflect.ValueOf(&filled).Elem(), 0, "")
			text, err := json.Marshal(&filled)
			if err != nil {
				panic(err)
			}
			if err := json.Unmarshal(text, &template); err != nil {
				panic(err)
			}
			// As it comes from the API in protobuf: what is empty is nil.
			bytes, err := template.Marshal()
			if err != nil {
				panic(err)
			}
			var received corev1.PodTemplateSpec
			if err := received.Unmarshal(bytes); err != nil {
				panic(err)
			}
			collisions := int32(i % 3)
			fmt.Printf("%d %s %s %s\n", collisions, hashOf(&received, collisions), revisionHash(patchOf(&received), collisions), text)
		}
	}
}

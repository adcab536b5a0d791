package main

import (
	mathrand "math/rand"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var words = []string{"", "a", "web", "example.com/web:1", "x y", "ü", "{}", "127.0.0.1", "<nil>", "<a href='x'>&"}
var quantities = []string{"0", "1", "100m", "1.5", "250Mi", "1Gi", "1e3", "0.5", "2500u", "1.5Gi", "1Ki", "12E", "7n", "1000", "1000k", "-3", "0.1m", "1500m", "10e2", "0.25Gi", "12Ei", "9Ei", "-12Gi", "123456789012345678901", "1.5Ei", "-1.5Ei"}

// fill sets some fields at random, fewer the deeper they are.
func fill(random *mathrand.Rand, v reflect.Value, depth int, field string) {
	name := v.Type().String()
	switch name {
	case "resource.Quantity":
		v.Set(reflect.ValueOf(resource.MustParse(quantities[random.Intn(len(quantities))])))
		return
	case "v1.Time", "v1.FieldsV1":
		return
	case "intstr.IntOrString":
		if random.Intn(2) == 0 {
			v.Set(reflect.ValueOf(intstr.FromInt32(random.Int31n(70000))))
		} else {
			v.Set(reflect.ValueOf(intstr.FromString(words[random.Intn(len(words))])))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			f := v.Type().Field(i)
			if f.Name == "ManagedFields" || f.Name == "CreationTimestamp" || f.Name == "DeletionTimestamp" {
				continue
			}
			rare := 3 + depth
			if random.Intn(rare) == 0 || f.Name == "Spec" || f.Name == "Containers" && random.Intn(4) > 0 || f.Name == "ObjectMeta" {
				fill(random, v.Field(i), depth+1, f.Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem(), depth, field)
	case reflect.Slice:
		count := random.Intn(3)
		list := reflect.MakeSlice(v.Type(), count, count)
		for i := 0; i < count; i++ {
			fill(random, list.Index(i), depth+1, field)
		}
		v.Set(list)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		for i := random.Intn(4); i > 0; i-- {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(random, key, depth+1, field)
			fill(random, value, depth+1, field)
			m.SetMapIndex(key, value)
		}
		v.Set(m)
	case reflect.String:
		v.SetString(words[random.Intn(len(words))])
	case reflect.Bool:
		v.SetBool(random.Intn(2) == 0)
	case reflect.Int32:
		v.SetInt(int64(random.Int31()) >> random.Intn(30))
	case reflect.Int64, reflect.Int:
		v.SetInt(int64(random.Int31()) >> random.Intn(30))
	default:
		panic(name)
	}
}

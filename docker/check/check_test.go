// Package check decodes the Kubernetes manifests strictly: a field that the API does not have is an error, as is a value
// of another type.
package check

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// decode is one document by the types of its kind.
func decode(text []byte) (any, error) {
	var meta metav1.TypeMeta
	if err := yaml.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	var out any
	switch meta.APIVersion + " " + meta.Kind {
	case "batch/v1 Job":
		out = &batchv1.Job{}
	case "v1 PersistentVolumeClaim":
		out = &corev1.PersistentVolumeClaim{}
	default:
		return nil, os.ErrInvalid
	}
	// As an API server reads it: names are as they are spelt, capitals included.
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	strict, err := json.UnmarshalStrict(data, out)
	return out, errors.Join(append(strict, err)...)
}

func TestManifests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "sweep", "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	jobs := 0
	for _, doc := range bytes.Split(text, []byte("\n---\n")) {
		v, err := decode(doc)
		if err != nil {
			t.Errorf("%v in\n%s", err, doc)
			continue
		}
		job, ok := v.(*batchv1.Job)
		if !ok {
			continue
		}
		jobs++
		// An index must reach the pod by JOB_COMPLETION_INDEX, and each be tried alone.
		if s := job.Spec; s.CompletionMode == nil || *s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != 8 || s.BackoffLimitPerIndex == nil {
			t.Errorf("no indexed Job of eight: %+v", s)
		}
		pod := job.Spec.Template.Spec
		mounted := map[string]bool{}
		for _, v := range pod.Volumes {
			mounted[v.Name] = true
		}
		for _, m := range pod.Containers[0].VolumeMounts {
			if !mounted[m.Name] {
				t.Errorf("no volume %q", m.Name)
			}
		}
	}
	if jobs != 1 {
		t.Errorf("%d Jobs", jobs)
	}
}

// What the API does not have is refused, or the test above proves nothing.
func TestStrict(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "sweep", "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, doc, _ := strings.Cut(string(text), "\n---\n")
	for old, wrong := range map[string]string{
		"completions: 8":       "completion: 8",
		"parallelism: 4":       "parallelism: four",
		"restartPolicy: Never": "restart: Never",
		"  completionMode":     "  backoffLimitperindex: 1\n  completionMode",
		"mountPath: /sweep":    "path: /sweep",
	} {
		broken := strings.Replace(doc, old, wrong, 1)
		if broken == doc {
			t.Fatalf("%q is not there", old)
		}
		if _, err := decode([]byte(broken)); err == nil {
			t.Errorf("%q is accepted", wrong)
		}
	}
}

package imds

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

const (
	gceInstance = "/computeMetadata/v1/instance/"
	gceProject  = "/computeMetadata/v1/project/"
)

// gceQuestions are those whose answers are facts ("View and query VM metadata", Compute Engine documentation). Only the address of the
// service account is asked for, not what stands beside it.
var gceQuestions = []question{
	{"account", gceProject + "project-id"},
	{"account_number", gceProject + "numeric-project-id"},
	{"name", gceInstance + "name"},
	{"hostname", gceInstance + "hostname"},
	{"zone", gceInstance + "zone"},
	{"image", gceInstance + "image"},
	{"type", gceInstance + "machine-type"},
	{"role", gceInstance + "service-accounts/default/email"},
	{"role_scopes", gceInstance + "service-accounts/default/scopes"},
	{"tags", gceInstance + "tags"},
	{"interfaces", gceInstance + "network-interfaces/?recursive=true"},
	{"disks", gceInstance + "disks/?recursive=true"},
	{"life_cycle", gceInstance + "scheduling/preemptible"},
	{"termination_notice", gceInstance + "preempted"},
	{"scheduled_events", gceInstance + "maintenance-event"},
}

// readGCE asks as Compute Engine wants it.
func readGCE(ctx context.Context, r *reader) error {
	r.header, r.value = "Metadata-Flavor", "Google"
	id, err := r.ask(ctx, gceInstance+"id")
	id = strings.TrimSpace(id)
	if err != nil {
		return err
	}
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return fmt.Errorf("the answer %.40q is no instance's number", id)
	}
	r.add("instance_id", id, gceInstance+"id")
	r.answers(ctx, gceQuestions)
	for i, f := range r.report.Facts {
		if f.Name == "zone" { // projects/NUMBER/zones/ZONE
			r.report.Facts[i].Value = f.Value[strings.LastIndexByte(f.Value, '/')+1:]
			if region, _, ok := cutLast(r.report.Facts[i].Value, "-"); ok {
				r.add("region", region, f.Path)
			}
		}
	}
	r.document(ctx, Document{Name: "user-data.txt", Path: gceInstance + "attributes/?recursive=true", Secret: true})
	r.document(ctx, Document{Name: "project-metadata.json", Path: gceProject + "attributes/?recursive=true", Secret: true})
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

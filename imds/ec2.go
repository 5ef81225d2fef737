package imds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

const ec2Data = "/latest/meta-data/"

// ec2Questions are those whose answers are facts ("Instance metadata categories", Amazon EC2 User Guide). iam/info has the name of the
// role's profile; the path beside it that lists the role's name answers with its keys, one step on.
var ec2Questions = []question{
	{"role", ec2Data + "iam/info"},
	{"hostname", ec2Data + "hostname"},
	{"public_hostname", ec2Data + "public-hostname"},
	{"public_ip", ec2Data + "public-ipv4"},
	{"zone_id", ec2Data + "placement/availability-zone-id"},
	{"life_cycle", ec2Data + "instance-life-cycle"},
	{"key_pair", ec2Data + "public-keys/"},
	{"security_groups", ec2Data + "security-groups"},
	{"auto_scaling_state", ec2Data + "autoscaling/target-lifecycle-state"},
	{"scheduled_events", ec2Data + "events/maintenance/scheduled"},
	{"past_events", ec2Data + "events/maintenance/history"},
	{"rebalance_notice", ec2Data + "events/recommendations/rebalance"},
	{"termination_notice", ec2Data + "spot/instance-action"},
	{"termination_time", ec2Data + "spot/termination-time"},
}

// ec2Interface is what is asked of each network interface.
var ec2Interface = []string{
	"interface-id", "device-number", "local-ipv4s", "public-ipv4s", "ipv6s", "subnet-id", "vpc-id", "security-group-ids", "owner-id",
}

// readEC2 asks as EC2 wants it. Without a token nothing is asked.
func readEC2(ctx context.Context, r *reader) error {
	watching, sent := watched(ctx)
	token, err := r.service.Token(watching)
	if err != nil {
		if sent.Load() && errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the service took the request for a token and its answer did not come: in a container the instance's hop limit "+
				"(HttpPutResponseHopLimit) may be too low: %w", err)
		}
		return err
	}
	r.header, r.value = "X-aws-ec2-metadata-token", string(token)
	const identity = "/latest/dynamic/instance-identity/document"
	text, err := r.ask(ctx, identity)
	if err != nil {
		return err
	}
	if err := r.ec2Identity(text, identity); err != nil {
		return err
	}
	r.report.Documents = append(r.report.Documents, Document{Name: "identity-document.json", Path: identity, Text: text})
	r.document(ctx, Document{Name: "user-data.txt", Path: "/latest/user-data", Secret: true})
	r.answers(ctx, ec2Questions)
	r.answers(ctx, r.ec2Lists(ctx))
	return nil
}

// ec2Identity reads the document that says which instance this is.
func (r *reader) ec2Identity(text, path string) error {
	var doc struct {
		InstanceID   string `json:"instanceId"`
		Account      string `json:"accountId"`
		Region       string `json:"region"`
		Zone         string `json:"availabilityZone"`
		Image        string `json:"imageId"`
		Type         string `json:"instanceType"`
		PrivateIP    string `json:"privateIp"`
		Architecture string `json:"architecture"`
		Started      string `json:"pendingTime"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("the identity document: %w", err)
	}
	if doc.InstanceID == "" {
		return errors.New("the identity document names no instance")
	}
	for _, f := range []question{
		{"instance_id", doc.InstanceID}, {"account", doc.Account}, {"region", doc.Region}, {"zone", doc.Zone}, {"image", doc.Image},
		{"type", doc.Type}, {"private_ip", doc.PrivateIP}, {"architecture", doc.Architecture}, {"started", doc.Started},
	} {
		r.add(f.name, f.path, path)
	}
	return nil
}

// ec2Lists returns the questions about each tag and each interface.
func (r *reader) ec2Lists(ctx context.Context) []question {
	var out []question
	const tags, macs = ec2Data + "tags/instance/", ec2Data + "network/interfaces/macs/"
	if names, err := r.ask(ctx, tags); err == nil {
		for _, name := range list(names) {
			out = append(out, question{"tag:" + name, tags + name})
		}
	}
	answer, err := r.ask(ctx, macs)
	if err != nil {
		return out
	}
	for _, mac := range list(answer) {
		for _, what := range ec2Interface {
			out = append(out, question{"interface:" + mac + ":" + what, macs + mac + "/" + what})
		}
	}
	return out
}

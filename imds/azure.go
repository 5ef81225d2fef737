package imds

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Of the versions that answer with what is asked for here, these are the oldest ("Azure Instance Metadata Service").
const (
	azureInstance = "/metadata/instance?api-version=2021-02-01"
	azureUserData = "/metadata/instance/compute/userData?api-version=2021-02-01&format=text"
	azureEvents   = "/metadata/scheduledevents?api-version=2020-07-01"
)

// azureVM is what is read of the answer about the instance.
type azureVM struct {
	Compute struct {
		VMID           string `json:"vmId"`
		Name           string `json:"name"`
		SubscriptionID string `json:"subscriptionId"`
		ResourceGroup  string `json:"resourceGroupName"`
		ResourceID     string `json:"resourceId"`
		Location       string `json:"location"`
		Zone           string `json:"zone"`
		Size           string `json:"vmSize"`
		ScaleSet       string `json:"vmScaleSetName"`
		Priority       string `json:"priority"`
		Storage        struct {
			Image json.RawMessage `json:"imageReference"`
		} `json:"storageProfile"`
		OS struct {
			ComputerName string `json:"computerName"`
		} `json:"osProfile"`
		Tags []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"tagsList"`
	} `json:"compute"`
	Network struct {
		Interface []json.RawMessage `json:"interface"`
	} `json:"network"`
}

// readAzure asks as Azure wants it. The name of a managed identity stands in nothing but its tokens, and so it is not asked for.
func readAzure(ctx context.Context, r *reader) error {
	r.header, r.value = "Metadata", "true"
	text, err := r.ask(ctx, azureInstance)
	if err != nil {
		return err
	}
	if err := r.azureVM(text); err != nil {
		return err
	}
	r.report.Documents = append(r.report.Documents, Document{Name: "instance.json", Path: azureInstance, Text: text, Secret: true})
	r.document(ctx, Document{Name: "user-data.txt", Path: azureUserData, Secret: true})
	for i, d := range r.report.Documents {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(d.Text)); d.Path == azureUserData && err == nil {
			r.report.Documents[i].Text = string(plain)
		}
	}
	r.answers(ctx, []question{{"scheduled_events", azureEvents}})
	return nil
}

// azureVM reads the answer about the instance.
func (r *reader) azureVM(text string) error {
	var doc azureVM
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return fmt.Errorf("the answer about the instance: %w", err)
	}
	c := doc.Compute
	if c.VMID == "" {
		return errors.New("the answer names no instance")
	}
	for _, f := range []question{
		{"instance_id", c.VMID}, {"account", c.SubscriptionID}, {"region", c.Location}, {"zone", c.Zone}, {"image", string(c.Storage.Image)},
		{"type", c.Size}, {"name", c.Name}, {"hostname", c.OS.ComputerName}, {"resource_group", c.ResourceGroup}, {"resource_id", c.ResourceID},
		{"scale_set", c.ScaleSet}, {"life_cycle", c.Priority},
	} {
		r.add(f.name, f.path, azureInstance)
	}
	for _, t := range c.Tags[:min(len(c.Tags), maxList)] {
		r.add("tag:"+t.Name, t.Value, azureInstance)
	}
	for i, n := range doc.Network.Interface[:min(len(doc.Network.Interface), maxList)] {
		r.add(fmt.Sprintf("interface:%d", i), string(n), azureInstance)
	}
	return nil
}

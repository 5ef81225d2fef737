package host

import (
	"regexp"
	"strings"
)

// readCloud tells the cloud from the firmware's tables, which need neither network nor tools.
func readCloud(root string) *Cloud {
	dmi := func(name string) string {
		return strings.TrimSpace(readSmall(root, "sys/class/dmi/id/"+name))
	}
	init := cloudInit(root)
	id := ""
	if init != nil {
		id = init.InstanceID
	}
	switch vendor := dmi("sys_vendor"); {
	case strings.HasPrefix(vendor, "Amazon EC2"):
		if tag := dmi("board_asset_tag"); ec2Instance.MatchString(tag) { // on Nitro
			id = tag
		}
		return &Cloud{Provider: "aws", InstanceID: id}
	case dmi("chassis_asset_tag") == azureTag:
		if id == "" {
			id = azureVMID(dmi("product_uuid"))
		}
		return &Cloud{Provider: "azure", InstanceID: id}
	case strings.HasPrefix(dmi("product_name"), "Google Compute Engine"):
		return &Cloud{Provider: "gcp", InstanceID: id}
	}
	return init
}

// azureTag is the chassis asset tag of every Azure VM, as cloud-init's and walinuxagent's detection use it.
const azureTag = "7783-7084-3265-9085-8269-3286-77"

var (
	ec2Instance = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)
	uuid        = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	gceInstance = regexp.MustCompile(`^[0-9]{10,20}$`)
)

// cloudInit reads the instance id that cloud-init has stored.
func cloudInit(root string) *Cloud {
	id := strings.ToLower(strings.TrimSpace(readSmall(root, "var/lib/cloud/data/instance-id")))
	switch {
	case ec2Instance.MatchString(id):
		return &Cloud{Provider: "aws", InstanceID: id}
	case uuid.MatchString(id):
		return &Cloud{Provider: "azure", InstanceID: id}
	case gceInstance.MatchString(id):
		return &Cloud{Provider: "gcp", InstanceID: id}
	}
	return nil
}

// azureVMID is the VM id that Azure shows: the firmware stores the first three groups of the UUID with their bytes swapped.
func azureVMID(firmware string) string {
	firmware = strings.ToLower(firmware)
	if !uuid.MatchString(firmware) {
		return ""
	}
	groups := strings.Split(firmware, "-")
	for i := range 3 {
		groups[i] = swapBytes(groups[i])
	}
	return strings.Join(groups, "-")
}

// swapBytes turns the order of the bytes of a hex number round.
func swapBytes(hex string) string {
	var b strings.Builder
	for i := len(hex) - 2; i >= 0; i -= 2 {
		b.WriteString(hex[i : i+2])
	}
	return b.String()
}

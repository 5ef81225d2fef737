package uploader

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"bellwether/imds"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// instanceKeys asks the metadata service of EC2 for the keys of the instance's role. (minio-go's own provider falls back to version 1 of the
// service, and uses a proxy of the environment by default.)
func instanceKeys(ctx context.Context, service *imds.Service) (keys, error) {
	const path = "meta-data/iam/security-credentials/"
	token, err := service.Token(ctx)
	if err != nil {
		return keys{}, fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	list, err := service.EC2(ctx, token, path)
	if err != nil {
		return keys{}, fmt.Errorf("%w: the instance has no role: %w", ErrCredentials, err)
	}
	role, _, _ := strings.Cut(list, "\n")
	if role = strings.TrimSpace(role); role == "" || strings.ContainsAny(role, "/?#% ") {
		return keys{}, fmt.Errorf("%w: the instance has no role", ErrCredentials)
	}
	text, err := service.EC2(ctx, token, path+role)
	if err != nil {
		return keys{}, fmt.Errorf("%w: asking for the keys of role %s: %w", ErrCredentials, role, err)
	}
	return parseInstanceKeys(text, role)
}

// parseInstanceKeys reads the keys of a role as the service answers them.
func parseInstanceKeys(text, role string) (keys, error) {
	var doc struct {
		keys
		Code  string
		Token secret
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return keys{}, fmt.Errorf("%w: the keys of role %s are not JSON", ErrCredentials, role)
	}
	if doc.Code != "" && doc.Code != "Success" {
		return keys{}, fmt.Errorf("%w: the instance can't take its role %s: %.100s", ErrCredentials, role, doc.Code)
	}
	doc.SessionToken = doc.Token
	if err := doc.check(); err != nil {
		return keys{}, fmt.Errorf("%w: the keys of role %s: %w", ErrCredentials, role, err)
	}
	return doc.keys, nil
}

// callerContext is the context of the request that needs credentials.
func callerContext(cc *credentials.CredContext) context.Context {
	if cc == nil || cc.Context == nil {
		return context.Background()
	}
	return cc.Context
}

package host

import (
	"context"
	"log/slog"
)

// AvoidStarving raises the priority that [LowerPriority] has set, a step at a time, when other processes leave this one hardly any processor
// time. It returns when the context ends. On Windows it does nothing: the background mode there leaves a share to everyone.
func AvoidStarving(ctx context.Context, log *slog.Logger) { avoidStarving(ctx, log) }

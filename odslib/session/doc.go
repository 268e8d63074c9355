// Package session is what a notebook cell has at hand beyond the library itself: draw and train, which sample and train
// with the cell's context, the notebook's seed and a progress bar, and keep what there is when they are interrupted.
package session

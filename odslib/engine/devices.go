package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// A loop on several devices is one program on each of them (SPMD), which works on an equal share of the rows; sums over
// devices (AllReduce) make one number of all. Random numbers are those of all rows, of which a device has its own, so that they
// do not depend on how many devices there are; sums are taken in another order, so that results agree to rounding. It is one
// host: the array library connects no others.

// Whole is the place in [Loop.Split] of what all devices have alike.
const Whole = -1

// deviceName is the parameter that tells a program on several devices which one it is on.
const deviceName = "device of several"

// CheckDevices says why work on so many devices, of so many rows at once, cannot be had; 0 devices are one.
func (e *Engine) CheckDevices(devices, rows int) error {
	if n := int(e.Backend.NumDevices()); devices < 0 || devices > n {
		return fmt.Errorf("%d devices asked for, and %s has %d; on a CPU %s sets how many it is divided into", devices, e.Name, n, EnvDevices)
	}
	if devices > 1 && rows%devices != 0 {
		return fmt.Errorf("%d rows do not divide among %d devices; take a multiple", rows, devices)
	}
	return nil
}

// Share is this device's rows of what all devices have: of x itself where there is one device.
func Share(x *Node) *Node {
	g := x.Graph()
	n := g.NumDevices()
	if n <= 1 {
		return x
	}
	dims := slices.Clone(x.Shape().Dimensions)
	if dims[0]%n != 0 {
		Fail("%d rows do not divide among %d devices", dims[0], n)
	}
	dims[0] /= n
	this := graph.ConvertDType(model.GetStore(g).GetVariable("/"+deviceName).NodeValue(g), dtypes.Int32)
	starts := []*Node{graph.Mul(this, graph.Const(g, int32(dims[0])))}
	for range len(dims) - 1 {
		starts = append(starts, graph.Const(g, int32(0)))
	}
	return graph.DynamicSlice(x, starts, dims)
}

// Numbers are those of a device's n rows among the rows of all devices, as int32, and how many these are.
func Numbers(g *graph.Graph, n int) (numbers *Node, all int) {
	all = n * max(1, g.NumDevices())
	return Share(graph.Iota(g, shapes.Make(dtypes.Int32, all), 0)), all
}

// SumDevices adds up what the devices have of each node: the node itself where there is one device.
func SumDevices(nodes ...*Node) []*Node {
	g := nodes[0].Graph()
	if g.NumDevices() <= 1 {
		return nodes
	}
	return g.Distributed().AllReduce(nodes, compute.ReduceOpSum)
}

// MeanDevices is the mean over devices, all of which have as many rows: of means over their rows that over all rows.
func MeanDevices(nodes ...*Node) []*Node {
	n := nodes[0].Graph().NumDevices()
	out := slices.Clone(SumDevices(nodes...))
	for i := range out {
		if n > 1 {
			out[i] = graph.DivScalar(out[i], float64(n))
		}
	}
	return out
}

// spmd has the program run on the devices.
func spmd(exec *graph.Exec, devices int) *graph.Exec {
	if devices <= 1 {
		return exec
	}
	mesh, err := distributed.NewDeviceMesh([]int{devices}, []string{"rows"})
	if err != nil {
		panic(err)
	}
	return exec.SPMD(mesh)
}

// spread lays a state out over the devices, those of the first in front. The tensors given are used up.
func (l *Loop) spread(state []*tensors.Tensor) ([]*tensors.Tensor, error) {
	m := len(state)
	out := make([]*tensors.Tensor, m*l.Devices)
	err := Try(func() {
		for i, t := range state {
			axis := l.axis(i)
			if axis == Whole {
				for d := 1; d < l.Devices; d++ {
					clone, err := t.LocalClone()
					if err != nil {
						panic(err)
					}
					out[d*m+i] = clone
				}
				out[i] = t
				continue
			}
			dims := slices.Clone(t.Shape().Dimensions)
			if dims[axis]%l.Devices != 0 {
				Fail("a state of shape %s cannot be divided by axis %d among %d devices", t.Shape(), axis, l.Devices)
			}
			dims[axis] /= l.Devices
			for d := range l.Devices {
				out[d*m+i] = tensors.FromShape(shapes.Make(t.DType(), dims...))
			}
			l.each(t, axis, func(whole []byte, at, length, d, part int) {
				must(out[d*m+i].MutableBytes(func(data []byte) { copy(data[part:part+length], whole[at:at+length]) }))
			})
			Free(t)
		}
	})
	return out, err
}

// gather is the way back from spread: what all devices have alike is the first one's.
func (l *Loop) gather(state []*tensors.Tensor) ([]*tensors.Tensor, error) {
	m := len(state) / l.Devices
	out := make([]*tensors.Tensor, m)
	err := Try(func() {
		for i := range m {
			axis := l.axis(i)
			if axis == Whole {
				out[i] = state[i]
				continue
			}
			dims := slices.Clone(state[i].Shape().Dimensions)
			dims[axis] *= l.Devices
			out[i] = tensors.FromShape(shapes.Make(state[i].DType(), dims...))
			l.each(out[i], axis, func(whole []byte, at, length, d, part int) {
				must(state[d*m+i].ConstBytes(func(data []byte) { copy(whole[at:at+length], data[part:part+length]) }))
			})
			Free(state[i])
		}
	})
	Free(state[m:]...)
	return out, err
}

// each visits the stretches of a whole tensor that lie together on a device, and where they lie there.
func (l *Loop) each(whole *tensors.Tensor, axis int, visit func(data []byte, at, length, device, part int)) {
	s := whole.Shape()
	outer := size(s.Dimensions[:axis])
	must(whole.MutableBytes(func(data []byte) {
		length := len(data) / outer / l.Devices
		for o := range outer {
			for d := range l.Devices {
				visit(data, (o*l.Devices+d)*length, length, d, o*length)
			}
		}
	}))
}

func (l *Loop) axis(i int) int {
	if i < len(l.Split) {
		return l.Split[i]
	}
	return Whole
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

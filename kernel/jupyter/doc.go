// Package jupyter speaks the Jupyter messaging protocol, 5.4, in both
// directions.
//
// A [Server] is the kernel's side: it binds the five sockets of a connection
// file, checks signatures, answers heartbeats and welcomes subscribers. A
// [Client] is the front end's side, used towards GoNB and to run notebooks:
//
//	c, err := jupyter.Launch(ctx, []string{"odslab", "kernel", "-f", "{connection_file}"}, nil)
//	if err != nil {
//		return err
//	}
//	defer c.Shutdown(ctx)
//	reply, err := c.Execute(ctx, `1 + 2`, jupyter.ExecuteOptions{
//		OnOutput: func(m *jupyter.Message) { fmt.Println(m.Header.Type, string(m.Content)) },
//	})
//
// Messages that are junk, oversized or wrongly signed are dropped and counted,
// never answered.
//
// Reference: https://jupyter-client.readthedocs.io/en/stable/messaging.html;
// iopub_welcome is from Jupyter Enhancement Proposal 65.
package jupyter

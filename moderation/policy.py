from comments.policy import Policy as Policy

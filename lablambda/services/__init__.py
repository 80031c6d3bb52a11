"""AWS services other than Lambda: a backend behind the same port, and the way its events come back."""
